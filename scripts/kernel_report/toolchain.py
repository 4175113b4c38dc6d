"""Finds the offline compilers and fetches those that can be had as Python packages."""

import contextlib
import os
import pathlib
import re
import shutil
import subprocess
import sys
import tempfile

PACKAGES = ["nvidia-cuda-nvcc-cu12==12.*", "nvidia-cuda-nvdisasm>=13.2"]  # The first still knows sm_70.
DEFAULT_FOLDER = pathlib.Path(os.environ.get("XDG_CACHE_HOME") or pathlib.Path.home() / ".cache") / "soma" / "kernel-compilers"
CLC_FOLDER = pathlib.Path("/usr/lib/clc")


class Unavailable(Exception):
    """A compiler cannot be had here."""


class CompilerError(Exception):
    """A compiler refuses a kernel."""


def run(command, limit=120):
    """Standard output and standard error of a command that must succeed."""
    try:
        done = subprocess.run(command, capture_output=True, text=True, timeout=limit)
    except subprocess.TimeoutExpired:
        raise CompilerError(f"{pathlib.Path(command[0]).name}: no end after {limit} s") from None
    if done.returncode != 0:
        raise CompilerError(f"{pathlib.Path(command[0]).name}: {complaint(done.stderr or done.stdout) or f'exit status {done.returncode}'}")
    return done.stdout, done.stderr


@contextlib.contextmanager
def naming(kernel):
    """Tells in errors which kernel is refused."""
    try:
        yield
    except CompilerError as error:
        raise CompilerError(f"{kernel}: {error}") from None


def complaint(log):
    """The line of a log that tells what is wrong: the first that says so, else the last."""
    lines = [line.strip() for line in log.splitlines() if line.strip()]
    return next((line for line in lines if re.search(r"\berror\b", line, re.IGNORECASE)), lines[-1] if lines else "")


def clang(architecture):
    """The newest clang from version 14 on that compiles for an architecture; Debian's and Ubuntu's bear their version in the name."""
    for version in range(30, 13, -1):
        path = shutil.which(f"clang-{version}")
        # Toolchains for other languages bring a clang for processors alone.
        if path and re.search(rf"^\s+{architecture}\s", run([path, "--print-targets"])[0], re.MULTILINE):
            return path
    raise Unavailable("there is no clang-14 or newer (Debian: clang-16)")


def libclc(name):
    """A file of libclc."""
    path = CLC_FOLDER / name
    if not path.exists():
        raise Unavailable(f"there is no {path} (Debian: libclc-16)")
    return str(path)


def nvidia_tools(folder):
    """The paths of ptxas and nvdisasm, after fetching them once into a folder of their own."""
    tools = found(folder)
    if len(tools) < 2:
        fetch(pathlib.Path(folder))
        tools = found(folder)
    if len(tools) < 2:
        raise Unavailable(f"the packages in {folder} have no ptxas or no nvdisasm")
    return tools["ptxas"], tools["nvdisasm"]


def found(folder):
    paths = {path.name: str(path) for path in pathlib.Path(folder).glob("nvidia/*/bin/*") if os.access(path, os.X_OK)}
    return {name: paths[name] for name in ("ptxas", "nvdisasm") if name in paths}


def fetch(folder):
    """Installs the packages aside and renames, so that an interrupted download leaves nothing that looks whole."""
    print(f"fetching {', '.join(re.split('[=>]', name)[0] for name in PACKAGES)} into {folder}", file=sys.stderr)
    try:
        folder.parent.mkdir(parents=True, exist_ok=True)
        with tempfile.TemporaryDirectory(dir=folder.parent) as aside:
            target = pathlib.Path(aside) / "packages"
            run([sys.executable, "-m", "pip", "install", "--quiet", "--no-deps", "--retries", "1", "--timeout", "20",
                 "--target", str(target), *PACKAGES], limit=300)
            for tool in target.glob("nvidia/*/bin/*"):
                tool.chmod(0o755)
            shutil.rmtree(folder, ignore_errors=True)
            target.rename(folder)
    except (CompilerError, OSError) as error:
        raise Unavailable(f"ptxas and nvdisasm cannot be fetched, which takes pip and a network: {error}") from None
