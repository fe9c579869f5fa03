"""Shows how a step's time grows with the batch, the threads and the size of the pictures: no cliff, or one that is explained.

usage: python scaling.py KERATIN [WORKLOAD...] [--batches N,...] [--threads N,...] [--sizes N,...] [--output FILE.md]

KERATIN is the program built by the release preset. Rows are run in turn, three times over; the median counts. A ratio is the
time of a sample (of a pixel, for sizes) over that of the row's own best: far above 1 beside a neighbour near 1 is a cliff.
"""
import argparse
import json
import statistics
import subprocess

numbers = lambda text: [int(part) for part in text.split(",") if part]
arguments = argparse.ArgumentParser()
arguments.add_argument("keratin")
arguments.add_argument("workloads", nargs="*", default=["mlp", "mnist_cnn", "resnet20", "lstm", "transformer"])
arguments.add_argument("--batches", type=numbers, default=[1, 2, 4, 8, 16, 32, 64, 96, 128, 256])
arguments.add_argument("--threads", type=numbers, default=[1, 2])
arguments.add_argument("--sizes", type=numbers, default=[], help="of pictures, at the workload's batch")
arguments.add_argument("--output")
a = arguments.parse_args()
ROUNDS = 3


def step(workload, threads, **options):
    """Milliseconds, and the samples of a step."""
    command = [a.keratin, "bench", workload, "--json", "--rounds", "3", "--threads", str(threads)]
    for name, value in options.items():
        command += [f"--{name.replace('_', '-')}", str(value)]
    done = subprocess.run(command, capture_output=True, text=True, check=True)
    line = json.loads(done.stdout.strip().splitlines()[-1])
    return line["median_ms"], line["batch"]


def measure(cases):
    times = {case: [] for case in cases}
    for _ in range(ROUNDS):
        for (workload, threads, name, value), seen in times.items():
            seen.append(step(workload, threads, **{name: value}))
    return {case: (statistics.median(ms for ms, _ in seen), seen[0][1]) for case, seen in times.items()}


def table(title, name, values, workloads, unit, per):
    measured = measure([(w, t, name, v) for w in workloads for t in a.threads for v in values])
    lines = [f"| {title} | threads | " + " | ".join(str(v) for v in values) + " |", "|---|---|" + "---|" * len(values)]
    for workload in workloads:
        for threads in a.threads:
            row = [measured[workload, threads, name, v] for v in values]
            costs = [ms / per(batch, v) for (ms, batch), v in zip(row, values)]
            cells = [f"{ms:.3g} ({cost / min(costs):.2f})" for (ms, _), cost in zip(row, costs)]
            lines.append(f"| {workload} | {threads} | " + " | ".join(cells) + " |")
    return [f"Milliseconds of a step; in parentheses the time of a {unit} over that of the row's best.", "", *lines, ""]


lines = table("batch", "batch", a.batches, a.workloads, "sample", lambda batch, _: batch) if a.batches else []
if a.sizes:
    lines += table("size", "image_size", a.sizes, a.workloads, "pixel", lambda batch, size: batch * size * size)
print("\n".join(lines))
if a.output:
    with open(a.output, "a") as file:
        file.write("\n".join(lines) + "\n")
