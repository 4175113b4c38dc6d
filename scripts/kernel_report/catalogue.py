"""Which kernels there are: the programs that the engine would give to a GPU, as Sources/KernelTexts writes them."""

import dataclasses
import pathlib
import re
import subprocess
import tempfile

from . import toolchain

ROOT = pathlib.Path(__file__).resolve().parent.parent.parent
WRITER = ROOT / ".build/debug/KernelTexts"


class Unknown(Exception):
    """A name that no kernel's begins with."""


@dataclasses.dataclass(frozen=True)
class Entry:
    """A kernel of a program: how the report calls it, and how the program does."""

    name: str
    function: str
    group_size: int


@dataclasses.dataclass(frozen=True)
class Program:
    """What a driver compiles at once."""

    text: str
    options: str
    entries: tuple[Entry, ...]

    @property
    def clang_options(self):
        return [option for option in self.options.split() if not option.startswith("-cl-nv-")]

    @property
    def settings(self):
        """The parameters that precede the text of the files."""
        lines = self.text[:self.text.find("\n//")].splitlines()
        return dict(re.findall(r"^#define (\w+) (\S+)$", "\n".join(lines), re.MULTILINE))

    @property
    def variant(self):
        """The tile of a product, or how many work-items share a sum and how many sums a work-group has."""
        values = self.settings
        if "TILE_M" in values:
            return "{TILE_M}x{TILE_N}x{TILE_K}/{THREAD_M}x{THREAD_N}".format(**values)
        return "{LANES}x{PLACES}".format(**values) if "LANES" in values else ""


def build():
    """Brings the writer of the texts up to date."""
    try:
        done = subprocess.run(["swift", "build", "--product", WRITER.name], cwd=ROOT, capture_output=True, text=True)
    except FileNotFoundError:
        raise toolchain.CompilerError("there is no swift to build with; --skip-build takes the last build") from None
    if done.returncode != 0:
        lines = [line for line in (done.stdout + done.stderr).splitlines() if "error:" in line]
        raise toolchain.CompilerError(f"swift build --product {WRITER.name}: {lines[0] if lines else 'failed'}")


def programs(target):
    """All programs for a target, in the order of their families."""
    if not WRITER.exists():
        raise toolchain.CompilerError(f"{WRITER} is not built: swift build --product {WRITER.name}")
    with tempfile.TemporaryDirectory() as folder:
        listing, _ = toolchain.run([
            str(WRITER), "--vendor", target.family.vendor, "--units", str(target.units), "--group-size", str(target.family.group_size),
            "--local-memory", str(target.family.local_bytes), folder])
        return parsed(listing, lambda number: (pathlib.Path(folder) / f"{number}.cl").read_text())


def parsed(listing, text):
    """The programs of a listing: lines of the number of a program, which has a text, name, function, work-items and options."""
    entries, options = {}, {}
    for line in listing.splitlines():
        number, name, function, size, choices = line.split("\t")
        entries.setdefault(number, []).append(Entry(name, function, int(size)))
        options[number] = choices
    return [Program(text(number), options[number], tuple(found)) for number, found in entries.items()]


def chosen(found, prefixes):
    """Of programs what begins with one of these; all where there are none."""
    names = [entry.name for program in found for entry in program.entries]
    for prefix in prefixes:
        if not any(name.startswith(prefix) for name in names):
            raise Unknown(f"no kernel's name begins with {prefix}; there are {', '.join(similar(prefix, names))}")
    kept = [dataclasses.replace(program, entries=tuple(one for one in program.entries if one.name.startswith(tuple(prefixes) or "")))
            for program in found]
    return [program for program in kept if program.entries]


def similar(prefix, names):
    """The names of a family where the prefix names one, else the families."""
    def family(name):
        return re.split(r"[-.]", name)[0]

    return sorted(name for name in names if family(name) == family(prefix)) or sorted(set(map(family, names)))
