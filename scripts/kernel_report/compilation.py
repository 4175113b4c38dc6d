"""Compiles programs for targets on all cores, but for those of which it is known what comes of them."""

import concurrent.futures
import dataclasses
import itertools
import os
import pathlib
import tempfile

from .cache import Cache, key
from .catalogue import Program

BATCH = 16  # Programs that are compiled in a row: a few for each core.


@dataclasses.dataclass(frozen=True)
class Job:
    """A program for a target, and the compilers of its family."""

    compilers: object
    target: str
    program: Program

    @property
    def key(self):
        return key(self.program, self.target, self.compilers.tools)


def kernels(jobs, is_fresh=False, progress=lambda done, total: None):
    """The kernels of all jobs, in their order. The first failure ends it; what was done until then is kept. `progress` is told how many
    programs of how many are compiled.

    Throws CompilerError where a program does not compile."""
    cache = Cache()
    places = {job: job.key for job in jobs}
    unknown = [job for job in jobs if is_fresh or cache.get(places[job]) is None]
    done = 0
    if unknown:
        progress(done, len(unknown))
    with concurrent.futures.ThreadPoolExecutor(os.cpu_count()) as pool:
        try:
            for batch, results in zip(batches(unknown), pool.map(compiled, batches(unknown))):
                for job, found in zip(batch, results):
                    cache.put(places[job], found)
                done += len(batch)
                progress(done, len(unknown))
        finally:
            pool.shutdown(cancel_futures=True)
            cache.save()
    return [kernel for job in jobs for kernel in cache.get(places[job])]


def batches(jobs):
    """Jobs for one target each, no more than BATCH."""
    for _, group in itertools.groupby(jobs, lambda job: job.target):
        group = list(group)
        yield from (group[start:start + BATCH] for start in range(0, len(group), BATCH))


def compiled(batch):
    with tempfile.TemporaryDirectory() as folder:
        return batch[0].compilers.compile([job.program for job in batch], batch[0].target, pathlib.Path(folder))
