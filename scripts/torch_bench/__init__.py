"""The workloads of `soma bench` in PyTorch, and how the two are told side by side."""
