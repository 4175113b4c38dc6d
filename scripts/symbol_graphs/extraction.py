"""Takes symbol graphs out of the modules of the last build."""

import concurrent.futures
import json
import os
import pathlib
import re
import shutil
import subprocess

ROOT = pathlib.Path(__file__).resolve().parents[2]
BUILD = ROOT / ".build" / "debug"
EXTRACTOR = "swift-symbolgraph-extract"


class ExtractionError(Exception):
    """There is no build to read, or a tool is missing or fails."""


def library_targets(package, sources):
    """The targets of a Package.swift that have a folder with Swift files in Sources, in its order."""
    names = re.findall(r'\.target\(\s*name: "(\w+)"', package)
    return [name for name in names if any((sources / name).rglob("*.swift"))]


def targets():
    return library_targets((ROOT / "Package.swift").read_text(), ROOT / "Sources")


def tool(name):
    """A tool of Swift's: one in PATH, or beside the compiler."""
    compiler = shutil.which("swift")
    beside = os.path.dirname(os.path.realpath(compiler)) if compiler else None
    found = shutil.which(name) or (beside and shutil.which(name, path=beside))
    if not found:
        raise ExtractionError(f"there is no {name}, which comes with Swift")
    return found


def run(command):
    done = subprocess.run(command, capture_output=True, text=True)
    if done.returncode != 0:
        lines = [line for line in (done.stderr or done.stdout).splitlines() if "error" in line.lower()]
        raise ExtractionError(f"{pathlib.Path(command[0]).name}: {lines[0] if lines else f'exit status {done.returncode}'}")
    return done.stdout


def build():
    run([tool("swift"), "build", "--package-path", str(ROOT), "-Xcc", "-O2"])


def extract(folder, *options):
    """Writes the graphs of all library targets into a folder: public symbols, with the comments that they inherit from a protocol."""
    triple = json.loads(run([tool("swift"), "-print-target-info"]))["target"]["triple"]
    paths = [BUILD / "Modules", *sorted(path.parent for path in BUILD.glob("*.build/module.modulemap"))]
    paths += sorted(ROOT.glob("Sources/*/include")) + [ROOT / "Kernels" / "include"]
    shared = ["-target", triple, "-minimum-access-level", "public", "-skip-synthesized-members", "-output-dir", str(folder), *options]
    shared += [word for path in paths for word in ("-I", str(path))]
    names = targets()
    for name in names:
        if not (BUILD / "Modules" / f"{name}.swiftmodule").exists():
            raise ExtractionError(f"{name} is not built: swift build")
    extractor = tool(EXTRACTOR)
    with concurrent.futures.ThreadPoolExecutor(os.cpu_count()) as pool:
        list(pool.map(lambda name: run([extractor, "-module-name", name, *shared]), names))
    return names
