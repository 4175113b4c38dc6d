// Soma: see docs/architecture.md
