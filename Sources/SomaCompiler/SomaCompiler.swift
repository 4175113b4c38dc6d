// SomaCompiler: see docs/architecture.md
