"""The networks that Soma's workloads train and ask, in PyTorch."""

import torch
from torch import nn
from torch.nn import functional


def mlp():
    return nn.Sequential(nn.Linear(784, 512), nn.ReLU(), nn.Linear(512, 256), nn.ReLU(), nn.Linear(256, 10))


def lenet():
    return nn.Sequential(
        nn.Conv2d(1, 6, 5, padding=2), nn.ReLU(), nn.MaxPool2d(2), nn.Conv2d(6, 16, 5), nn.ReLU(), nn.MaxPool2d(2),
        nn.Flatten(), nn.Linear(400, 120), nn.ReLU(), nn.Linear(120, 84), nn.ReLU(), nn.Linear(84, 10))


def alexnet():
    """A. Krizhevsky, One Weird Trick for Parallelizing Convolutional Neural Networks, 2014, for images of 224×224."""
    pool = lambda: nn.MaxPool2d(3, 2)
    return nn.Sequential(
        nn.Conv2d(3, 64, 11, 4, 2), nn.ReLU(), pool(), nn.Conv2d(64, 192, 5, padding=2), nn.ReLU(), pool(),
        nn.Conv2d(192, 384, 3, padding=1), nn.ReLU(), nn.Conv2d(384, 256, 3, padding=1), nn.ReLU(), nn.Conv2d(256, 256, 3, padding=1), nn.ReLU(), pool(),
        nn.Flatten(), nn.Dropout(), nn.Linear(256 * 36, 4096), nn.ReLU(), nn.Dropout(), nn.Linear(4096, 4096), nn.ReLU(), nn.Linear(4096, 1000))


class Residual(nn.Module):
    """Two convolutions of 3×3 with batch normalisation around which the input passes (K. He et al., CVPR 2016)."""

    def __init__(self, channels, outputs, stride):
        super().__init__()
        self.body = nn.Sequential(
            nn.Conv2d(channels, outputs, 3, stride, 1, bias=False), nn.BatchNorm2d(outputs), nn.ReLU(),
            nn.Conv2d(outputs, outputs, 3, 1, 1, bias=False), nn.BatchNorm2d(outputs))
        same = stride == 1 and channels == outputs
        self.around = nn.Identity() if same else nn.Sequential(nn.Conv2d(channels, outputs, 1, stride, bias=False), nn.BatchNorm2d(outputs))

    def forward(self, x):
        return functional.relu(self.body(x) + self.around(x))


def resnet(stem, widths, depth, classes):
    """Stages of blocks behind a stem that gives as many channels as the first stage has; each stage but the first halves the map."""
    blocks = []
    for place, width in enumerate(widths):
        for number in range(depth):
            first = place > 0 and number == 0
            blocks.append(Residual(widths[place - 1] if first else width, width, 2 if first else 1))
    return nn.Sequential(*stem, *blocks, nn.AdaptiveAvgPool2d(1), nn.Flatten(), nn.Linear(widths[-1], classes))


def resnet20():
    stem = nn.Conv2d(3, 16, 3, 1, 1, bias=False), nn.BatchNorm2d(16), nn.ReLU()
    return resnet(stem, [16, 32, 64], 3, 10)


def resnet18():
    stem = nn.Conv2d(3, 64, 7, 2, 3, bias=False), nn.BatchNorm2d(64), nn.ReLU(), nn.MaxPool2d(3, 2, 1)
    return resnet(stem, [64, 128, 256, 512], 2, 1000)


def generator():
    return nn.Sequential(
        nn.Linear(100, 128 * 49), nn.Unflatten(1, (128, 7, 7)), nn.BatchNorm2d(128), nn.ReLU(), nn.ConvTranspose2d(128, 64, 4, 2, 1, bias=False),
        nn.BatchNorm2d(64), nn.ReLU(), nn.ConvTranspose2d(64, 1, 4, 2, 1), nn.Tanh())


def discriminator():
    return nn.Sequential(
        nn.Conv2d(1, 64, 4, 2, 1), nn.LeakyReLU(0.2), nn.Conv2d(64, 128, 4, 2, 1, bias=False), nn.BatchNorm2d(128), nn.LeakyReLU(0.2),
        nn.Flatten(), nn.Linear(128 * 49, 1))


class LSTMLanguageModel(nn.Module):
    """Logits for the token after each of [N, T]."""

    def __init__(self, vocabulary, units, layers):
        super().__init__()
        self.embedding = nn.Embedding(vocabulary, units)
        self.recurrent = nn.LSTM(units, units, layers, batch_first=True)
        self.output = nn.Linear(units, vocabulary)

    def forward(self, tokens):
        return self.output(self.recurrent(self.embedding(tokens))[0])


class Block(nn.Module):
    """A block of GPT-2 (A. Radford et al., 2019): attention and a multilayer perceptron, each behind a normalisation and around which x passes."""

    def __init__(self, width, heads):
        super().__init__()
        self.heads = heads
        self.norm1, self.norm2 = nn.LayerNorm(width), nn.LayerNorm(width)
        self.input, self.output = nn.Linear(width, 3 * width), nn.Linear(width, width)
        self.up, self.down = nn.Linear(width, 4 * width), nn.Linear(4 * width, width)

    def forward(self, x):
        q, k, v = (part.unflatten(-1, (self.heads, -1)).transpose(1, 2) for part in self.input(self.norm1(x)).chunk(3, -1))
        seen = functional.scaled_dot_product_attention(q, k, v, is_causal=True)
        return self.with_perceptron(x + self.output(seen.transpose(1, 2).flatten(2)))

    def next(self, x, place, keys, values):
        """The same for one token, whose key and value go to a place of the cache."""
        query, key, value = self.input(self.norm1(x)).view(3, self.heads, -1)
        keys[:, place], values[:, place] = key, value
        seen = functional.scaled_dot_product_attention(query[None, :, None], keys[None, :, :place + 1], values[None, :, :place + 1])
        return self.with_perceptron(x + self.output(seen.reshape(1, -1)))

    def with_perceptron(self, x):
        return x + self.down(functional.gelu(self.up(self.norm2(x)), approximate="tanh"))


class GPT(nn.Module):
    """Logits for the token after each of [N, T], or after one token."""

    def __init__(self, vocabulary, context, layers, heads, width, tied):
        super().__init__()
        self.tokens, self.places = nn.Embedding(vocabulary, width), nn.Embedding(context, width)
        self.blocks = nn.ModuleList(Block(width, heads) for _ in range(layers))
        self.norm, self.head = nn.LayerNorm(width), nn.Linear(width, vocabulary, bias=False)
        if tied:
            self.head.weight = self.tokens.weight
        self.room = heads, context, width // heads

    def forward(self, tokens):
        x = self.tokens(tokens) + self.places.weight[:tokens.shape[1]]
        for block in self.blocks:
            x = block(x)
        return self.head(self.norm(x))

    def cache(self):
        """Room for keys and values of each block."""
        zeros = lambda: torch.zeros(self.room, device=self.tokens.weight.device)
        return [(zeros(), zeros()) for _ in self.blocks]

    def next(self, token, place, cache):
        """The logits [1, vocabulary] behind a token, int64 [1], at a place."""
        x = self.tokens(token) + self.places.weight[place]
        for block, (keys, values) in zip(self.blocks, cache):
            x = block.next(x, place, keys, values)
        return self.head(self.norm(x))


def small_gpt():
    return GPT(64, 128, 4, 4, 256, tied=False)


def gpt2():
    return GPT(50257, 1024, 12, 12, 768, tied=True)
