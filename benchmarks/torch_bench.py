"""The workloads in PyTorch, eager or compiled, channels last: one JSON line like that of `keratin bench --json`.

usage: python torch_bench.py WORKLOAD eager|compile [--rounds N] [--steps N] [--batch N]
       python torch_bench.py WORKLOAD --export FILE.onnx [--batch N]
"""
import argparse
import json
import resource
import statistics
import time

start = time.perf_counter()
import torch
import torchvision
from torch import nn

arguments = argparse.ArgumentParser()
arguments.add_argument("workload")
arguments.add_argument("mode", nargs="?", default="eager", choices=["eager", "compile"])
arguments.add_argument("--rounds", type=int, default=5)
arguments.add_argument("--steps", type=int)
arguments.add_argument("--batch", type=int)
arguments.add_argument("--export")
a = arguments.parse_args()
torch.set_num_threads(2)
torch.set_flush_denormal(True)
torch.manual_seed(0)


def conv_norm(inputs, outputs, stride, relu):
    parts = [nn.Conv2d(inputs, outputs, 3, stride, 1), nn.BatchNorm2d(outputs)]
    return nn.Sequential(*parts, *([nn.ReLU(inplace=True)] if relu else []))


class Block(nn.Module):
    def __init__(self, inputs, outputs, stride):
        super().__init__()
        self.first = conv_norm(inputs, outputs, stride, True)
        self.second = conv_norm(outputs, outputs, 1, False)
        self.shortcut = nn.Conv2d(inputs, outputs, 1, stride) if stride > 1 else nn.Identity()

    def forward(self, x):
        return torch.relu(self.shortcut(x) + self.second(self.first(x)))


class ResNet20(nn.Module):
    def __init__(self):
        super().__init__()
        blocks, channels = [conv_norm(3, 16, 1, True)], 16
        for filters in (16, 32, 64):
            for block in range(3):
                blocks.append(Block(channels, filters, 2 if channels != filters else 1))
                channels = filters
        self.blocks, self.dense = nn.Sequential(*blocks), nn.Linear(64, 10)

    def forward(self, x):
        return self.dense(self.blocks(x).mean((2, 3)))


class Lstm(nn.Module):
    def __init__(self):
        super().__init__()
        self.embedding, self.lstm, self.dense = nn.Embedding(20000, 128), nn.LSTM(128, 128, batch_first=True), nn.Linear(128, 1)

    def forward(self, x):
        return self.dense(self.lstm(self.embedding(x))[0][:, -1])


class Transformer(nn.Module):
    def __init__(self):
        super().__init__()
        self.embedding = nn.Embedding(20000, 128)
        self.encoder = nn.TransformerEncoder(nn.TransformerEncoderLayer(128, 4, 512, 0.1, batch_first=True), 2)
        self.dense = nn.Linear(128, 2)

    def forward(self, x):
        return self.dense(self.encoder(self.embedding(x)).mean(1))


def resnet50():
    """Keras's is v1: the stride is in the first 1x1 convolution of a stage, and convolutions have biases."""
    model = torchvision.models.resnet50()
    for stage in (model.layer2, model.layer3, model.layer4):
        stage[0].conv1.stride, stage[0].conv2.stride = (2, 2), (1, 1)
    for conv in [m for m in model.modules() if isinstance(m, nn.Conv2d)]:
        conv.bias = nn.Parameter(torch.zeros(conv.out_channels))
    return model


def vgg16():
    """Keras's has no dropout."""
    model = torchvision.models.vgg16()
    model.classifier[2] = model.classifier[5] = nn.Identity()
    return model


def mlp():
    return nn.Sequential(nn.Linear(784, 512), nn.ReLU(), nn.Dropout(0.2), nn.Linear(512, 10))


def mnist_cnn():
    return nn.Sequential(
        nn.Conv2d(1, 32, 3), nn.ReLU(), nn.MaxPool2d(2), nn.Conv2d(32, 64, 3), nn.ReLU(), nn.MaxPool2d(2),
        nn.Flatten(), nn.Dropout(0.5), nn.Linear(1600, 10))


# model, batch, steps of a round, shape of a sample, words, classes
WORKLOADS = {
    "mlp": (mlp, 128, 256, (784,), 0, 10),
    "mnist_cnn": (mnist_cnn, 128, 32, (1, 28, 28), 0, 10),
    "resnet20": (ResNet20, 128, 8, (3, 32, 32), 0, 10),
    "lstm": (Lstm, 32, 32, (80,), 20000, 2),
    "transformer": (Transformer, 32, 16, (128,), 20000, 2),
    "mobilenetv2": (torchvision.models.mobilenet_v2, 16, 4, (3, 224, 224), 0, 1000),
    "resnet50": (resnet50, 16, 2, (3, 224, 224), 0, 1000),
    "vgg16": (vgg16, 8, 2, (3, 224, 224), 0, 1000),
}
infer = a.workload.startswith("infer_")
name = a.workload.removeprefix("infer_")
build, batch, steps, shape, words, classes = WORKLOADS[name]
batch = a.batch or (1 if infer else batch)
steps = a.steps or steps
model = build()
x = torch.randint(0, words, (batch, *shape)) if words else torch.randn(batch, *shape)
y = torch.randint(0, classes, (batch,))
if len(shape) == 3 and not a.export:
    model, x = model.to(memory_format=torch.channels_last), x.contiguous(memory_format=torch.channels_last)
if a.export:
    torch.onnx.export(model.eval(), x, a.export, dynamo=False, input_names=["x"])
    raise SystemExit
adam = name in ("mlp", "mnist_cnn", "resnet20", "lstm", "transformer")
optimizer = torch.optim.Adam(model.parameters()) if adam else torch.optim.SGD(model.parameters(), 0.01, momentum=0.9)
forward = torch.compile(model) if a.mode == "compile" else model


def loss_of(logits):
    if name == "lstm":
        return nn.functional.binary_cross_entropy_with_logits(logits[:, 0], y.float())
    return nn.functional.cross_entropy(logits, y)


def train():
    optimizer.zero_grad(set_to_none=True)
    loss = loss_of(forward(x))
    loss.backward()
    optimizer.step()
    return loss


def predict():
    with torch.inference_mode():
        return loss_of(forward(x))


if infer:
    model.eval()
step = predict if infer else train
loss = float(step())
first = time.perf_counter() - start
step()
ms = []
if infer:
    with torch.inference_mode():
        for _ in range(a.rounds * 8):
            begin = time.perf_counter()
            forward(x)
            ms.append((time.perf_counter() - begin) * 1e3)
else:
    for _ in range(a.rounds):
        begin = time.perf_counter()
        for _ in range(steps):
            step()
        ms.append((time.perf_counter() - begin) * 1e3 / steps)
print(json.dumps({
    "workload": a.workload, "batch": batch, "version": f"PyTorch {torch.__version__} {a.mode}", "first_step_s": round(first, 3),
    "median_ms": statistics.median(ms), "min_ms": min(ms),
    "peak_mb": resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024, "loss": loss}))
