// SomaGraph: see docs/architecture.md
