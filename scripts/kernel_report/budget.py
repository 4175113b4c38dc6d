"""What the kernels are held to."""

import re

from .report import widths

FMA_SHARE = 0.85  # Of the work, and of the instructions where none is packed.
# Of the instructions where multiply-adds are packed: half as many, while loads stay as many. It is what the kernels have, below what is
# wanted of them; docs/gpu.md tells why.
PACKED_FMA_SHARE = {"matmul": 0.80, "convolution": 0.76}
# The kernels that most of the work goes through: the greatest tiles where extents are multiples of four.
MAIN = {
    "matmul": re.compile(r"matmul-large-(nn|nt|tn|tt|gelu)"),
    "convolution": re.compile(r"convolution-large-(forward|relu|input|stride-input|filter)"),
}
# Pixels are read one by one, since those of a window may lie beyond the edge of the image, and so are filters where they lie transposed.
QUADS_OF_FILTERS = re.compile(r"convolution-large-(forward|relu|filter)")


def family(kernel):
    """The family whose main kernels it belongs to, if any."""
    return next((name for name, pattern in MAIN.items() if pattern.fullmatch(kernel.name)), None)


def violations(kernels):
    """What goes beyond the budget, a line each."""
    return [f"{kernel.target} {kernel.name}: {fault}" for kernel in kernels for fault in faults(kernel)]


def faults(kernel):
    if kernel.spilled_bytes:
        yield f"{kernel.spilled_bytes} bytes are spilled"
    if not family(kernel):
        return
    loop = kernel.loop
    least = PACKED_FMA_SHARE[family(kernel)] if loop.is_packed else FMA_SHARE
    if loop.fma_share < least:
        yield f"{loop.fma_share:.1%} of the inner loop's instructions are FMA, less than {least:.0%}"
    if loop.is_packed and loop.work_share < FMA_SHARE:
        yield f"{loop.work_share:.1%} of the inner loop's work are FMA, less than {FMA_SHARE:.0%}"
    if set(loop.local_loads) != {128}:
        yield f"local loads {widths(loop.local_loads)} instead of 128 bits each"
    if family(kernel) == "matmul" and set(loop.global_loads) != {128}:
        yield f"global loads {widths(loop.global_loads)} instead of 128 bits each"
    if QUADS_OF_FILTERS.fullmatch(kernel.name) and 128 not in loop.global_loads:
        yield f"global loads {widths(loop.global_loads)}, none of 128 bits"


SUMMARY = ["target", "model", "kernels", "spilled", *(f"{name} {what}" for name in MAIN for what in ("FMA", "work", "loads"))]


def summary_row(target, kernels):
    """How many kernels there are and spill, and of the main ones the least and greatest shares of FMA and the widths of all loads."""
    cells = [target.name, target.model, str(len(kernels)), str(sum(kernel.spilled_bytes > 0 for kernel in kernels))]
    for name in MAIN:
        loops = [kernel.loop for kernel in kernels if family(kernel) == name]
        bits = set().union(*(set(loop.global_loads) | set(loop.local_loads) for loop in loops))
        cells += [span(loop.fma_share for loop in loops), span(loop.work_share for loop in loops), " ".join(map(str, sorted(bits, reverse=True))) or "–"]
    return cells


def span(shares):
    shares = list(shares)
    return f"{min(shares):.1%}–{max(shares):.1%}" if shares else "–"
