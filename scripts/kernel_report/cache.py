"""What compilers made of programs before, so that only what changed is compiled again."""

import functools
import hashlib
import json
import os
import pathlib
import tempfile

from .report import Kernel

FOLDER = pathlib.Path(os.environ.get("XDG_CACHE_HOME") or pathlib.Path.home() / ".cache") / "soma"
FILE = FOLDER / "kernel-report.json"
MOST = 5000  # Results that are kept: those of some five states of the kernels.


def key(program, target, tools):
    """Changes with all that a result depends on: text, options, target, the compilers, and these scripts."""
    parts = [program.text, program.options, repr(program.entries), target, *map(state, tools), scripts()]
    return hashlib.sha256("\0".join(parts).encode()).hexdigest()


@functools.cache
def scripts():
    return "".join(path.read_text() for path in sorted(pathlib.Path(__file__).parent.glob("*.py")))


@functools.cache
def state(tool):
    """What tells a tool from an older one in its place."""
    found = os.stat(tool)
    return f"{tool} {found.st_size} {found.st_mtime_ns}"


class Cache:
    """Kernels by the key of their program. A file that cannot be read or written only costs time."""

    def __init__(self, file=None):
        self.file = file or FILE
        self.results = {}
        try:
            self.results = {key: [Kernel.from_json(one) for one in kernels] for key, kernels in json.loads(self.file.read_text()).items()}
        except (OSError, ValueError, TypeError, AttributeError, KeyError):
            pass

    def get(self, key):
        kernels = self.results.get(key)
        return None if kernels is None else self.put(key, kernels)

    def put(self, key, kernels):
        # Behind all others: the first are forgotten first.
        self.results.pop(key, None)
        self.results[key] = kernels
        return kernels

    def save(self):
        """Replaces the file as a whole."""
        kept = {key: [one.as_json() for one in kernels] for key, kernels in list(self.results.items())[-MOST:]}
        try:
            self.file.parent.mkdir(parents=True, exist_ok=True)
            with tempfile.NamedTemporaryFile("w", dir=self.file.parent, prefix=self.file.name, delete=False) as aside:
                try:
                    json.dump(kept, aside)
                    aside.close()
                    os.replace(aside.name, self.file)
                except OSError:
                    os.unlink(aside.name)
        except OSError:
            pass
