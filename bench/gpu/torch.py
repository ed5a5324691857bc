"""PyTorch float32 on the GPU: milliseconds of a training step of the nets of `bench gpu`, and of square products.
Reads the sizes as JSON from its argument and prints JSON; null where there is no CUDA."""
import json
import sys
import time

sizes = json.loads(sys.argv[1])
try:
    import torch
    from torch import nn
except ImportError:
    torch = None
if torch is None or not torch.cuda.is_available():
    print("null")
    sys.exit(0)

torch.backends.cuda.matmul.allow_tf32 = False
torch.backends.cudnn.allow_tf32 = False
gpu = torch.device("cuda")
image, batch = sizes["image"], sizes["batch"]


def mlp():
    widths = [image * image, *sizes["widths"]]
    layers = [layer for a, b in zip(widths, widths[1:]) for layer in (nn.Linear(a, b), nn.ReLU())]
    return nn.Sequential(*layers, nn.Linear(widths[-1], 10)), torch.rand(batch, image * image)


def cnn():
    channels = [1, *sizes["filters"]]
    layers = [layer for a, b in zip(channels, channels[1:]) for layer in (nn.Conv2d(a, b, 3), nn.ReLU(), nn.MaxPool2d(2))]
    return nn.Sequential(*layers, nn.Flatten(), nn.LazyLinear(10)), torch.rand(batch, 1, image, image)


def step_ms(make):
    net, x = make()
    net, x = net.to(gpu), x.to(gpu)
    y = torch.arange(batch, device=gpu) % 10
    net(x)
    optimizer = torch.optim.AdamW(net.parameters())
    times = []
    for _ in range(sizes["steps"] + 5):
        torch.cuda.synchronize()
        start = time.perf_counter()
        optimizer.zero_grad()
        loss = nn.functional.cross_entropy(net(x), y)
        loss.backward()
        optimizer.step()
        loss.item()
        times.append((time.perf_counter() - start) * 1000)
    return times[5:]


def product_ms(side):
    a, b = torch.rand(side, side, device=gpu), torch.rand(side, side, device=gpu)
    a @ b
    torch.cuda.synchronize()
    start = time.perf_counter()
    for _ in range(sizes["calls"]):
        a @ b
    torch.cuda.synchronize()
    return (time.perf_counter() - start) * 1000 / sizes["calls"]


print(json.dumps({
    "device": torch.cuda.get_device_name(),
    "torch": torch.__version__,
    "steps": {"mlp": step_ms(mlp), "cnn": step_ms(cnn)},
    "products": {str(side): product_ms(side) for side in sizes["products"]},
}))
