// OpenCLBackend: see docs/architecture.md
