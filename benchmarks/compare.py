"""Runs our benchmark and PyTorch's in turn, several times, in one run, and prints a table of medians and their ratio.

usage: python compare.py BENCH [--rounds N] [--python PYTHON_WITH_TORCH] [--output FILE.md]

BENCH is the program built from bench.cpp. Machines are shared and noisy: only ratios from one run mean anything.
"""
import argparse
import datetime
import json
import pathlib
import platform
import statistics
import subprocess
import sys

arguments = argparse.ArgumentParser()
arguments.add_argument("bench")
arguments.add_argument("--rounds", type=int, default=5)
arguments.add_argument("--python", default=sys.executable)
arguments.add_argument("--output")
a = arguments.parse_args()
here = pathlib.Path(__file__).parent


def measure(command):
    out = subprocess.run(command, check=True, capture_output=True, text=True).stdout
    return json.loads(out.strip().splitlines()[-1])


def cpu():
    for line in pathlib.Path("/proc/cpuinfo").read_text().splitlines():
        if line.startswith("model name"):
            return line.split(":", 1)[1].strip()
    return platform.processor()


lines = [
    f"{datetime.date.today()}, {cpu()}, 2 threads, float32; medians over {a.rounds} interleaved runs",
    "",
    "| workload | batch | ours, ms | ours min | PyTorch eager, ms | PyTorch min | ours / PyTorch |",
    "|---|---|---|---|---|---|---|",
]
for workload in ("mlp", "mnist_cnn", "lstm"):
    ours, theirs = [], []
    for _ in range(a.rounds):
        ours.append(measure([a.bench, workload]))
        theirs.append(measure([a.python, str(here / "torch_bench.py"), workload]))
    m = [statistics.median(r["median_ms"] for r in runs) for runs in (ours, theirs)]
    low = [min(r["min_ms"] for r in runs) for runs in (ours, theirs)]
    lines.append(
        f"| {workload} | {ours[0]['batch']} | {m[0]:.3f} | {low[0]:.3f} | {m[1]:.3f} | {low[1]:.3f} | {m[0] / m[1]:.2f} |")
text = "\n".join(lines)
print(text)
if a.output:
    pathlib.Path(a.output).write_text(text + "\n")
