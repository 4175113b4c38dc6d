"""What is told of a kernel, and how."""

import dataclasses

from .loops import Mix


@dataclasses.dataclass
class Kernel:
    """A kernel on a target. Registers are those of a work-item, bytes of local memory those of a work-group."""

    name: str
    target: str
    registers: int
    spilled_bytes: int
    local_bytes: int
    occupancy: float
    occupancy_bound: str
    loop: Mix

    def as_json(self):
        result = dataclasses.asdict(self)
        result["loop"]["fma_share"] = round(self.loop.fma_share, 4)
        return result


HEADER = ["kernel", "registers", "spilled", "local", "occupancy", "bounded by", "loop", "FMA", "global loads", "local loads"]


def row(kernel):
    return [
        kernel.name, str(kernel.registers), f"{kernel.spilled_bytes} B" if kernel.spilled_bytes else "–",
        f"{kernel.local_bytes / 1024:.1f} KB" if kernel.local_bytes else "–", f"{kernel.occupancy:.0%}", kernel.occupancy_bound or "–",
        str(kernel.loop.instructions) + ("" if kernel.loop.is_loop else " (all)"), f"{kernel.loop.fma_share:.0%}", widths(kernel.loop.global_loads), widths(kernel.loop.local_loads)]


def widths(loads):
    """Numbers of loads by their bits: `8×128 2×32`."""
    return " ".join(f"{count}×{bits}" for bits, count in sorted(loads.items(), reverse=True)) or "–"


def table(kernels):
    rows = [HEADER] + [row(kernel) for kernel in kernels]
    columns = [max(len(line[place]) for line in rows) for place in range(len(HEADER))]
    # Numbers to the right, words to the left.
    numbers = {1, 2, 3, 4, 6, 7}
    return "\n".join(
        "  ".join(cell.rjust(width) if place in numbers else cell.ljust(width) for place, (cell, width) in enumerate(zip(line, columns))).rstrip()
        for line in rows)


# The kernels whose inner loop is held to account.
MAIN = ("matmul-large-nn", "matmul-large-nt", "matmul-large-tn", "matmul-large-gelu")
FMA_SHARE = 0.85


def violations(kernels):
    """What goes beyond the budget, a line each."""
    lines = []
    for kernel in kernels:
        where = f"{kernel.target} {kernel.name}"
        if kernel.spilled_bytes:
            lines.append(f"{where}: {kernel.spilled_bytes} bytes are spilled")
        if kernel.name in MAIN:
            if kernel.loop.fma_share < FMA_SHARE:
                lines.append(f"{where}: {kernel.loop.fma_share:.1%} of the inner loop are FMA, less than {FMA_SHARE:.0%}")
            for kind, loads in (("global", kernel.loop.global_loads), ("local", kernel.loop.local_loads)):
                if set(loads) != {128}:
                    lines.append(f"{where}: {kind} loads {widths(loads)} instead of 128 bits each")
    return lines
