"""Kernels that were never compiled, and what tests need that use those of the engine."""

import sys
import unittest

from kernel_report import catalogue
from kernel_report.loops import Mix
from kernel_report.report import Kernel


NOT_BUILT = f"{catalogue.WRITER.name} is not built: swift build --product {catalogue.WRITER.name}"
if not catalogue.WRITER.exists():
    print(f"skipped: what takes the texts of the kernels, since {NOT_BUILT}", file=sys.stderr)
needs_writer = unittest.skipUnless(catalogue.WRITER.exists(), NOT_BUILT)


def kernel(name, fma=90, global_loads={128: 2}, local_loads={128: 16}, spilled=0, packed=0):
    """Of a hundred instructions in a loop, `fma` multiply and add, `packed` of them twice."""
    loop = Mix(True, 100, fma, fma + packed, global_loads, local_loads)
    return Kernel(name, "sm_80", "128x128x8/8x8", 128, spilled, 16896, 0.25, "registers", loop)
