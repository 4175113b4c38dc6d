"""Times one workload in PyTorch, as `soma bench` times its own: python3 -m torch_bench --workload gemm_1024, from the folder scripts."""

import argparse
import json
import math
import os
import sys
import time

import torch

from .workloads import Workloads


def main():
    parser = argparse.ArgumentParser(prog="torch_bench", description=__doc__)
    parser.add_argument("--workload")
    parser.add_argument("--batch", type=int)
    parser.add_argument("--device", default="cpu")
    parser.add_argument("--threads", type=int, default=len(os.sched_getaffinity(0)))
    parser.add_argument("--budget", type=float, default=2.5, help="seconds of repetitions")
    parser.add_argument("--first-step", action="store_true", help="make one training step of the MLP and end: what startup times")
    options = parser.parse_args()
    torch.set_num_threads(options.threads)
    workloads = Workloads(options.device)
    if options.first_step:
        return workloads.training("mlp")()
    try:
        call = workloads.call(options.workload, options.batch)
    except KeyError:
        sys.exit(f"torch_bench: PyTorch has no counterpart to {options.workload} here")
    model = torch.cuda.get_device_name(workloads.device) if workloads.device.type == "cuda" else None
    print(json.dumps({"version": torch.__version__, "threads": torch.get_num_threads(), "model": model, **measured(call, workloads.finish, options.budget)}))


def measured(call, finish, budget, limit=10):
    """The seconds of one call: of the first, and of 5 to 25 samples of as many calls as take 20 ms, after a warm-up."""
    def seconds(count=1):
        start = time.perf_counter()
        for _ in range(count):
            call()
        finish()
        return time.perf_counter() - start

    first, _, estimate = seconds(), seconds(), seconds()
    calls = max(1, math.ceil(0.02 / max(estimate, 1e-7)))
    sample = calls * max(estimate, 1e-7)
    count = int(min(25, max(5, budget / sample)))
    capped = count == 5 and sample * count > limit
    if capped:
        count = max(1, int(limit / sample))
    return {"first_call_s": first, "capped": capped, "samples_s": [seconds(calls) / calls for _ in range(count)]}


main()
