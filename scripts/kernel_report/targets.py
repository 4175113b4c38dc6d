"""The GPUs that kernels are judged for."""

import dataclasses

from .amd import AMD
from .nvidia import NVIDIA


@dataclasses.dataclass(frozen=True)
class Target:
    """A device of a kind, and the compute units that OpenCL tells of."""

    name: str
    family: type
    model: str
    units: int


TARGETS = {target.name: target for target in (
    Target("sm_70", NVIDIA, "V100", 80), Target("sm_80", NVIDIA, "A100", 108), Target("sm_90", NVIDIA, "H100", 132),
    Target("gfx906", AMD, "MI50", 60), Target("gfx90a", AMD, "MI210", 104), Target("gfx1030", AMD, "RX 6900 XT", 40))}
