"""Kernels that were never compiled."""

from kernel_report.loops import Mix
from kernel_report.report import Kernel


def kernel(name, fma=90, global_loads={128: 2}, local_loads={128: 16}, spilled=0):
    """Of a hundred instructions in a loop."""
    return Kernel(name, "sm_80", "128x128x8/8x8", 128, spilled, 16896, 0.25, "registers", Mix(True, 100, fma, global_loads, local_loads))
