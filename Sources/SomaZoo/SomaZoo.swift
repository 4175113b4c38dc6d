// SomaZoo: see docs/architecture.md
