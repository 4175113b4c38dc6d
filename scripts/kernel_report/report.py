"""What is told of a kernel, and how."""

import dataclasses
import re

from .loops import Mix


@dataclasses.dataclass
class Kernel:
    """A kernel on a target. Registers are those of a work-item, bytes of local memory those of a work-group."""

    name: str
    target: str
    variant: str
    registers: int
    spilled_bytes: int
    local_bytes: int
    occupancy: float
    occupancy_bound: str
    loop: Mix

    def as_json(self):
        result = dataclasses.asdict(self)
        result["loop"] |= {"fma_share": round(self.loop.fma_share, 4), "work_share": round(self.loop.work_share, 4)}
        return result

    @classmethod
    def from_json(cls, values):
        loop = {name: values["loop"][name] for name in (field.name for field in dataclasses.fields(Mix))}
        # Keys of JSON are text.
        loop |= {name: {int(bits): count for bits, count in loop[name].items()} for name in ("global_loads", "local_loads")}
        return cls(**values | {"loop": Mix(**loop)})


def in_order(kernels):
    """By name, numbers in names by their size."""
    return sorted(kernels, key=lambda kernel: [int(part) if part.isdigit() else part for part in re.split(r"(\d+)", kernel.name)])


HEADER = ["kernel", "tile", "registers", "spilled", "local", "occupancy", "bounded by", "loop", "FMA", "work", "global loads", "local loads"]
NUMBERS = {"registers", "spilled", "local", "occupancy", "loop", "FMA", "work"}


def row(kernel):
    loop = kernel.loop
    return [
        kernel.name, kernel.variant or "–", str(kernel.registers), f"{kernel.spilled_bytes} B" if kernel.spilled_bytes else "–",
        f"{kernel.local_bytes / 1024:.1f} KB" if kernel.local_bytes else "–", f"{kernel.occupancy:.0%}", kernel.occupancy_bound or "–",
        f"{loop.instructions}" if loop.is_loop else f"all {loop.instructions}", f"{loop.fma_share:.0%}", f"{loop.work_share:.0%}",
        widths(loop.global_loads), widths(loop.local_loads)]


def widths(loads):
    """Numbers of loads by their bits: `8×128 2×32`."""
    return " ".join(f"{count}×{bits}" for bits, count in sorted(loads.items(), reverse=True)) or "–"


def table(kernels):
    return aligned(HEADER, [row(kernel) for kernel in kernels])


def aligned(header, rows):
    """Columns of text, numbers to the right and words to the left."""
    columns = [max(len(line[place]) for line in [header, *rows]) for place in range(len(header))]

    def line(cells):
        return "  ".join(
            cell.rjust(width) if name in NUMBERS else cell.ljust(width) for cell, width, name in zip(cells, columns, header)).rstrip()

    return "\n".join(map(line, [header, *rows]))
