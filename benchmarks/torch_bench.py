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
arguments.add_argument("workload", choices=["mlp", "mnist_cnn"])
arguments.add_argument("--steps", type=int, default=32)
arguments.add_argument("--rounds", type=int, default=7)
a = arguments.parse_args()

torch.set_num_threads(2)
torch.set_flush_denormal(True)
torch.manual_seed(0)
batch = 128
if a.workload == "mlp":
    model = nn.Sequential(nn.Linear(784, 512), nn.ReLU(), nn.Dropout(0.2), nn.Linear(512, 10))
    x = torch.randn(batch, 784)
else:
    model = nn.Sequential(
        nn.Conv2d(1, 32, 3), nn.ReLU(), nn.MaxPool2d(2), nn.Conv2d(32, 64, 3), nn.ReLU(), nn.MaxPool2d(2),
        nn.Flatten(), nn.Dropout(0.5), nn.Linear(1600, 10))
    model = model.to(memory_format=torch.channels_last)
    x = torch.randn(batch, 1, 28, 28).contiguous(memory_format=torch.channels_last)
y = torch.randint(0, 10, (batch,))
optimizer = torch.optim.Adam(model.parameters())
loss_fn = nn.CrossEntropyLoss()


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
