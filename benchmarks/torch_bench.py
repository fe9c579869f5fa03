"""The workloads of bench.cpp in PyTorch (eager): one JSON object like bench's.

usage: python torch_bench.py WORKLOAD [--steps N] [--rounds N]
"""
import argparse
import json
import statistics
import time

start = time.perf_counter()
import torch
from torch import nn

arguments = argparse.ArgumentParser()
arguments.add_argument("workload", choices=["mlp", "mnist_cnn", "lstm"])
arguments.add_argument("--steps", type=int, default=32)
arguments.add_argument("--rounds", type=int, default=7)
a = arguments.parse_args()

torch.set_num_threads(2)
torch.set_flush_denormal(True)
torch.manual_seed(0)
batch = 32 if a.workload == "lstm" else 128


class Lstm(nn.Module):
    def __init__(self):
        super().__init__()
        self.embedding, self.lstm, self.dense = nn.Embedding(20000, 128), nn.LSTM(128, 128, batch_first=True), nn.Linear(128, 1)

    def forward(self, x):
        return self.dense(self.lstm(self.embedding(x))[0][:, -1])[:, 0]


if a.workload == "lstm":
    model = Lstm()
    x = torch.randint(0, 20000, (batch, 80))
elif a.workload == "mlp":
    model = nn.Sequential(nn.Linear(784, 512), nn.ReLU(), nn.Dropout(0.2), nn.Linear(512, 10))
    x = torch.randn(batch, 784)
else:
    model = nn.Sequential(
        nn.Conv2d(1, 32, 3), nn.ReLU(), nn.MaxPool2d(2), nn.Conv2d(32, 64, 3), nn.ReLU(), nn.MaxPool2d(2),
        nn.Flatten(), nn.Dropout(0.5), nn.Linear(1600, 10))
    model = model.to(memory_format=torch.channels_last)
    x = torch.randn(batch, 1, 28, 28).contiguous(memory_format=torch.channels_last)
y = torch.randint(0, 2, (batch,)).float() if a.workload == "lstm" else torch.randint(0, 10, (batch,))
optimizer = torch.optim.Adam(model.parameters())
loss_fn = nn.BCEWithLogitsLoss() if a.workload == "lstm" else nn.CrossEntropyLoss()


def step():
    optimizer.zero_grad(set_to_none=True)
    loss = loss_fn(model(x), y)
    loss.backward()
    optimizer.step()
    return loss


step()
first = time.perf_counter() - start
ms = []
for _ in range(a.rounds):
    begin = time.perf_counter()
    for _ in range(a.steps):
        loss = step()
    ms.append((time.perf_counter() - begin) * 1e3 / a.steps)
print(json.dumps({
    "workload": a.workload, "batch": batch, "threads": torch.get_num_threads(), "first_step_s": round(first, 3),
    "median_ms": statistics.median(ms), "min_ms": min(ms), "loss": float(loss)}))
