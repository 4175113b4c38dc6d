"""What one call of each workload does. Each function makes the data and returns the call, which ends when its result is there; `infer_…` alone
asks for batch after batch, and `finish` waits for all of them."""

import subprocess
import sys

import torch
from torch.nn import functional

from . import models

# Images [N, C, H, W], filters [K, C / groups, R, R], stride, padding, groups.
CONVOLUTIONS = {
    "conv3x3": ([32, 64, 32, 32], [64, 64, 3, 3], 1, 1, 1),
    "conv7x7s2": ([8, 3, 224, 224], [64, 3, 7, 7], 2, 3, 1),
    "dwconv3x3": ([32, 128, 32, 32], [128, 1, 3, 3], 1, 1, 128),
}
CLASSIFIERS = {
    "mlp": (models.mlp, [128, 784]), "lenet5": (models.lenet, [128, 1, 28, 28]), "resnet20": (models.resnet20, [64, 3, 32, 32]),
    "resnet18": (models.resnet18, [64, 3, 224, 224]),
}
# Batch, length of a text; both have 64 tokens.
LANGUAGE = {
    "lstm": (lambda: models.LSTMLanguageModel(64, 256, 2), [32, 64]), "gpt": (models.small_gpt, [16, 128]),
}
ANSWERING = {
    "lenet": (models.lenet, [1, 28, 28]), "alexnet": (models.alexnet, [3, 224, 224]), "resnet18": (models.resnet18, [3, 224, 224]),
}
WRITING = {"gpt": models.small_gpt, "gpt2": models.gpt2}
MANY = 16 << 20
TINY = 1000
WRITTEN = 64


class Workloads:
    def __init__(self, device):
        self.device = torch.device(device)
        torch.backends.cuda.matmul.allow_tf32 = False
        torch.backends.cudnn.allow_tf32 = False
        torch.backends.cudnn.benchmark = True

    def call(self, name, batch=None):
        """What the workload of a name calls again and again.

        Raises KeyError for a name that PyTorch has no counterpart to here.
        """
        kind, _, rest = name.partition("_")
        if kind in CONVOLUTIONS:
            return self.convolution(kind, rest)
        if kind == "infer":
            return self.asking(self.answers(rest, batch))
        kinds = {
            "gemm": self.product, "train": self.training, "generate": self.generation, "latency": lambda name: self.waiting(self.answers(name, 1)),
        }
        if kind in kinds:
            return kinds[kind](rest)
        return {
            "chain_16m": lambda: self.map([MANY], lambda x: functional.gelu(x * 1.25 + 0.5, approximate="tanh") * 0.75 + x),
            "sum_16m": lambda: self.map([MANY], torch.sum), "copy_16m": lambda: self.map([MANY], torch.neg),
            "softmax_8192x1024": lambda: self.map([8192, 1024], lambda x: functional.softmax(x, -1)),
            "layernorm_8192x1024": self.normalization, "tiny_adds": self.tiny_adds, "startup": self.startup,
        }[name]()

    def random(self, *shape):
        return torch.randn(*shape, device=self.device)

    def finish(self):
        """Returns when the device has done what it was asked for."""
        if self.device.type == "cuda":
            torch.cuda.synchronize()

    def waiting(self, compute):
        """A call without gradients that waits for the device."""
        call = self.asking(compute)

        def wait():
            call()
            self.finish()
        return wait

    def asking(self, compute):
        """A call without gradients that does not wait."""
        def call():
            with torch.no_grad():
                compute()
        return call

    def map(self, shape, function):
        x = self.random(*shape)
        return self.waiting(lambda: function(x))

    def product(self, size):
        a, b = self.random(int(size), int(size)), self.random(int(size), int(size))
        return self.waiting(lambda: a @ b)

    def normalization(self):
        weight, bias = self.random(1024), self.random(1024)
        return self.map([8192, 1024], lambda x: functional.layer_norm(x, (1024,), weight, bias))

    def convolution(self, name, part):
        shape, filters, stride, padding, groups = CONVOLUTIONS[name]
        x, w = self.random(*shape), self.random(*filters)
        forward = lambda: functional.conv2d(x, w, None, stride, padding, 1, groups)
        if part == "fwd":
            return self.waiting(forward)
        seed, wanted = torch.randn_like(forward()), [part == "bwd_data", part == "bwd_weight", False]
        return self.waiting(lambda: torch.ops.aten.convolution_backward(
            seed, x, w, None, [stride] * 2, [padding] * 2, [1, 1], False, [0, 0], groups, wanted))

    def training(self, name):
        if name == "dcgan":
            return self.adversaries()
        if name in LANGUAGE:
            make, shape = LANGUAGE[name]
            tokens = torch.randint(64, [2] + shape, device=self.device)
            return self.updates(make(), tokens[0], tokens[1].flatten())
        make, shape = CLASSIFIERS[name]
        return self.updates(make(), self.random(*shape), torch.arange(shape[0], device=self.device) % 10)

    def updates(self, model, x, labels):
        model = model.to(self.device)
        optimizer = torch.optim.Adam(model.parameters(), 1e-3)

        def step():
            optimizer.zero_grad()
            loss = functional.cross_entropy(model(x).flatten(0, -2), labels)
            loss.backward()
            optimizer.step()
            return loss.item()
        return step

    def adversaries(self):
        generator, discriminator, real = models.generator().to(self.device), models.discriminator().to(self.device), self.random(64, 1, 28, 28)
        ones, zeros = torch.ones(64, 1, device=self.device), torch.zeros(64, 1, device=self.device)
        generating, discriminating = (torch.optim.Adam(model.parameters(), 2e-4, (0.5, 0.999)) for model in (generator, discriminator))
        loss = functional.binary_cross_entropy_with_logits

        def step():
            fake = generator(self.random(64, 100))
            discriminating.zero_grad()
            (loss(discriminator(real), ones) + loss(discriminator(fake.detach()), zeros)).backward()
            discriminating.step()
            generating.zero_grad()
            generator_loss = loss(discriminator(fake), ones)
            generator_loss.backward()
            generating.step()
            return generator_loss.item()
        return step

    def generation(self, name):
        model = WRITING[name]().to(self.device).eval()

        def write():
            cache, token = model.cache(), torch.ones(1, dtype=torch.int64, device=self.device)
            for place in range(WRITTEN):
                token = torch.multinomial(functional.softmax(model.next(token, place, cache) / 0.8, -1), 1)[0]
                token.item()
        return self.waiting(write)

    def answers(self, name, batch):
        make, shape = ANSWERING[name]
        model, x = make().to(self.device).eval(), self.random(batch, *shape)
        return lambda: model(x)

    def tiny_adds(self):
        x, y = self.random(16), self.random(16)

        def call():
            z = x
            for _ in range(TINY):
                z = z + y
            self.finish()
        return call

    def startup(self):
        return lambda: subprocess.run([sys.executable, "-m", "torch_bench", "--first-step", "--device", str(self.device)], check=True)
