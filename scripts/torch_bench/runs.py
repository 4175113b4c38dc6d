"""Weights that PyTorch has trained in the place of a run's, so that `soma evaluate` measures both alike."""

import json
import subprocess
import sys

from safetensors import safe_open
from safetensors.torch import save_file


def evaluated(soma, checkpoint, data):
    """What `soma evaluate` says of a checkpoint on a data set."""
    words = [soma, "evaluate", checkpoint, "--data", data, "--device", "cpu", "--json"]
    return json.loads(subprocess.run([str(word) for word in words], check=True, stdout=subprocess.PIPE).stdout)


def metadata(checkpoint):
    with safe_open(checkpoint, "pt") as file:
        return file.metadata()


def settings(metadata):
    """The settings of the run, by their names."""
    return {name.removeprefix("setting."): value for name, value in metadata.items() if name.startswith("setting.")}


def replace(checkpoint, weights, path):
    """Writes a copy of a checkpoint with other weights, and without what only training needs."""
    with safe_open(checkpoint, "pt") as file:
        tensors = {name: file.get_tensor(name) for name in file.keys() if not name.startswith("optimizer/")}
        metadata = file.metadata()
    for name, value in weights.items():
        if name not in tensors or tensors[name].shape != value.shape:
            sys.exit(f"{checkpoint} has no {name} of {tuple(value.shape)}")
        tensors[name] = value.to(tensors[name].dtype).contiguous()
    save_file(tensors, path, metadata)
