// CPUBackend: see docs/architecture.md
