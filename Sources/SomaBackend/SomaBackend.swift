// SomaBackend: see docs/architecture.md
