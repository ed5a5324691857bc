"""Writes torch-swa.json: stochastic weight averaging of small models by PyTorch's own swa_utils, an epoch at a time."""
import json
import pathlib
import warnings

import torch
from torch.optim.lr_scheduler import StepLR
from torch.optim.swa_utils import SWALR, AveragedModel, update_bn

warnings.filterwarnings("ignore")

X = (torch.arange(8, dtype=torch.float32) / 4).reshape(8, 1)
Y = 3 * X
BATCHES = [(X[:4], Y[:4]), (X[4:], Y[4:])]


class Plain(torch.nn.Module):
    def __init__(self):
        super().__init__()
        self.net = torch.nn.Linear(1, 1)
        torch.nn.init.zeros_(self.net.weight)
        torch.nn.init.zeros_(self.net.bias)

    def forward(self, x):
        return self.net(x)


class Normed(torch.nn.Module):
    def __init__(self):
        super().__init__()
        self.first = torch.nn.Linear(1, 2)
        self.norm = torch.nn.BatchNorm1d(2, eps=1e-3, momentum=0.01)
        self.last = torch.nn.Linear(2, 1)
        with torch.no_grad():
            self.first.weight.copy_(torch.tensor([[0.5], [-0.25]]))
            self.first.bias.copy_(torch.tensor([0.1, 0.2]))
            self.last.weight.copy_(torch.tensor([[0.3, -0.7]]))
            self.last.bias.copy_(torch.tensor([0.05]))

    def forward(self, x):
        return self.last(self.norm(self.first(x)))


def train(model, epochs, start, lr, swa_lr, anneal_epochs=10, strategy="cos", avg_fn=None, step_lr=None, keep=False):
    """`start` is the first epoch, from 0, at whose start weights are taken."""
    optimizer = torch.optim.SGD(model.parameters(), lr=lr)
    scheduler = StepLR(optimizer, *step_lr) if step_lr else None
    average = AveragedModel(model, avg_fn=avg_fn)
    rates = []
    for epoch in range(epochs):
        if epoch == start:
            scheduler = SWALR(optimizer, swa_lr, anneal_epochs=anneal_epochs, anneal_strategy=strategy)
        if epoch >= start:
            average.update_parameters(model)
        rates.append(optimizer.param_groups[0]["lr"])
        for x, y in BATCHES:
            optimizer.zero_grad()
            torch.nn.functional.mse_loss(model(x), y).backward()
            optimizer.step()
        if scheduler:
            scheduler.step()
    if keep:
        update_bn([x for x, _ in BATCHES], average)
    return {"rates": rates, "averaged": int(average.n_averaged), "model": average.module}


def weights(result):
    module = result.pop("model")
    return {**result, "weights": [p.flatten().tolist() for p in module.parameters()]}


out = {
    "default": weights(train(Plain(), 10, 7, 0.05, 0.02)),
    "linear": weights(train(Plain(), 8, 3, 0.05, 0.1, anneal_epochs=3, strategy="linear")),
    "atOnce": weights(train(Plain(), 6, 1, 0.05, 0.01, anneal_epochs=0)),
    "afterSteps": weights(train(Plain(), 9, 4, 0.1, 0.03, anneal_epochs=4, step_lr=(2, 0.5))),
    "ownMean": weights(train(Plain(), 6, 2, 0.05, 0.05, avg_fn=lambda a, p, n: 0.9 * a + 0.1 * p)),
}
normed = train(Normed(), 6, 2, 0.05, 0.02, anneal_epochs=2, keep=True)
norm = normed["model"].norm
out["normed"] = {
    **weights(normed),
    "mean": norm.running_mean.tolist(),
    # PyTorch keeps the unbiased variance, TensorFlow.js that of the batch itself.
    "variance": (norm.running_var * (4 - 1) / 4).tolist(),
}
pathlib.Path(__file__).with_suffix(".json").write_text(json.dumps(out, indent=2) + "\n")
