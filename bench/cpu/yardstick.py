"""The yardstick of `bench cpu`: the same work in PyTorch on a number of threads.

Reads one JSON object a line, {"workload", "repetitions", "warmUp"}, and answers each with one line,
{"ms": [...]}; the first line says what PyTorch this is. Not for: comparing (command.ts).
"""

import json
import sys
import time

import torch
from torch import nn

BATCH = 64
CLASSES = 10
PRODUCT = 512
LEARNING_RATE = 1e-3
# As examples/char-transformer/train.ts starts with.
VOCABULARY, CONTEXT, WIDTH, DEPTH, HEADS = 30, 64, 64, 4, 4


def product(transposed_a, transposed_b):
    a, b = torch.randn(PRODUCT, PRODUCT), torch.randn(PRODUCT, PRODUCT)
    left = a.t() if transposed_a else a
    right = b.t() if transposed_b else b
    return lambda: left @ right


def training(model, x, y, classes, optimizer_of=torch.optim.Adam):
    optimizer = optimizer_of(model.parameters(), lr=LEARNING_RATE)
    criterion = nn.CrossEntropyLoss()

    def step():
        optimizer.zero_grad()
        loss = criterion(model(x).reshape(-1, classes), y.reshape(-1))
        loss.backward()
        optimizer.step()
        return loss.item()

    return step


def mlp():
    model = nn.Sequential(
        nn.Linear(784, 256), nn.ReLU(), nn.Linear(256, 128), nn.ReLU(), nn.Linear(128, CLASSES)
    )
    return training(model, torch.rand(BATCH, 784), torch.randint(CLASSES, (BATCH,)), CLASSES, torch.optim.SGD)


def conv():
    model = nn.Sequential(
        *[nn.Conv2d(1, 8, 3), nn.ReLU(), nn.MaxPool2d(2), nn.Conv2d(8, 16, 3), nn.ReLU(), nn.MaxPool2d(2)],
        *[nn.Flatten(), nn.Linear(400, 64), nn.ReLU(), nn.Linear(64, CLASSES)],
    )
    return training(model, torch.rand(BATCH, 1, 28, 28), torch.randint(CLASSES, (BATCH,)), CLASSES)


class Block(nn.Module):
    def __init__(self):
        super().__init__()
        self.norm1, self.norm2 = nn.LayerNorm(WIDTH), nn.LayerNorm(WIDTH)
        self.qkv, self.out = nn.Linear(WIDTH, 3 * WIDTH), nn.Linear(WIDTH, WIDTH)
        self.up, self.down = nn.Linear(WIDTH, 4 * WIDTH), nn.Linear(4 * WIDTH, WIDTH)

    def forward(self, x, mask):
        split = lambda part: part.reshape(BATCH, CONTEXT, HEADS, WIDTH // HEADS).transpose(1, 2)
        query, key, value = (split(part) for part in self.qkv(self.norm1(x)).split(WIDTH, dim=-1))
        scores = query @ key.transpose(-1, -2) / (WIDTH // HEADS) ** 0.5 + mask
        mixed = torch.softmax(scores, dim=-1) @ value
        x = x + self.out(mixed.transpose(1, 2).reshape(BATCH, CONTEXT, WIDTH))
        return x + self.down(torch.relu(self.up(self.norm2(x))))


class Transformer(nn.Module):
    """The net of examples/char-transformer."""

    def __init__(self):
        super().__init__()
        self.embedding = nn.Embedding(VOCABULARY, WIDTH)
        self.positions = nn.Parameter(torch.randn(CONTEXT, WIDTH) * 0.02)
        self.blocks = nn.ModuleList(Block() for _ in range(DEPTH))
        self.norm, self.head = nn.LayerNorm(WIDTH), nn.Linear(WIDTH, VOCABULARY)
        self.register_buffer("mask", torch.full((CONTEXT, CONTEXT), -1e9).triu(1))

    def forward(self, characters):
        x = self.embedding(characters) + self.positions
        for block in self.blocks:
            x = block(x, self.mask)
        return self.head(self.norm(x))


def transformer():
    x, y = (torch.randint(VOCABULARY, (BATCH, CONTEXT)) for _ in range(2))
    return training(Transformer(), x, y, VOCABULARY, torch.optim.AdamW)


WORKLOADS = {
    "product": lambda: product(False, False),
    "product-ta": lambda: product(True, False),
    "product-tb": lambda: product(False, True),
    "mlp": mlp,
    "conv": conv,
    "transformer": transformer,
}


def main():
    threads = int(sys.argv[1])
    torch.set_num_threads(threads)
    torch.manual_seed(0)
    print(json.dumps({"torch": torch.__version__, "threads": torch.get_num_threads()}), flush=True)
    made = {}
    for line in sys.stdin:
        task = json.loads(line)
        name = task["workload"]
        if name not in made:
            made[name] = WORKLOADS[name]()
        work = made[name]
        for _ in range(task["warmUp"]):
            work()
        times = []
        for _ in range(task["repetitions"]):
            start = time.perf_counter()
            work()
            times.append((time.perf_counter() - start) * 1e3)
        print(json.dumps({"ms": times}), flush=True)


main()
