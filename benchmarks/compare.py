"""Runs Keratin and its peers in turn, several times, in one run; prints a table of medians with the ratio to the best peer.

usage: python compare.py KERATIN [WORKLOAD...] [--rounds N] [--torch PYTHON] [--tensorflow PYTHON] [--jax PYTHON]
                         [--onnx PYTHON] [--check] [--output FILE.md]

KERATIN is the program built by the release preset; each PYTHON an interpreter that has the peer (a peer without one is left
out). --check first compares the loss of the first step from Keras's weights, without dropout, to 1e-3. Machines are shared
and noisy: only ratios from one run mean anything.
"""
import argparse
import datetime
import json
import os
import pathlib
import platform
import statistics
import subprocess
import tempfile

WORKLOADS = [
    "mlp", "mnist_cnn", "resnet20", "lstm", "transformer", "mobilenetv2", "resnet50", "vgg16",
    "infer_resnet50", "infer_mobilenetv2", "infer_vgg16", "infer_resnet50:16", "infer_mlp"]
arguments = argparse.ArgumentParser()
arguments.add_argument("keratin")
arguments.add_argument("workloads", nargs="*", default=WORKLOADS, metavar="WORKLOAD")
arguments.add_argument("--rounds", type=int, default=3)
for peer in ("torch", "tensorflow", "jax", "onnx"):
    arguments.add_argument(f"--{peer}")
arguments.add_argument("--check", action="store_true")
arguments.add_argument("--output")
a = arguments.parse_args()
here = pathlib.Path(__file__).parent
folder = pathlib.Path(tempfile.mkdtemp())


def run(command, **environment):
    done = subprocess.run(command, capture_output=True, text=True, env={**os.environ, **environment})
    if done.returncode != 0:
        raise SystemExit(f"{' '.join(command)}:\n{done.stderr[-2000:]}")
    lines = done.stdout.strip().splitlines()
    return json.loads(lines[-1]) if lines else {}


def keras(python, backend, *options):
    return run([python, str(here / "keras_bench.py"), *options], KERAS_BACKEND=backend)


def commands(workload):
    """What measures the workload, by the contestant's name."""
    name, _, batch = workload.partition(":")
    options = ["--rounds", "3", *(["--batch", batch] if batch else [])]
    yield "Keratin", lambda: run([a.keratin, "bench", name, "--json", "--threads", "2", *options])
    for backend, python in (("tensorflow", a.tensorflow), ("jax", a.jax)):
        # Keras on JAX takes minutes to a step of the large convolutional networks.
        if python and not (backend == "jax" and any(big in name for big in ("net", "vgg", "cnn"))):
            yield f"Keras on {backend}", lambda p=python, b=backend: keras(p, b, name, *options)
    if a.torch:
        script = str(here / "torch_bench.py")
        for mode in ("eager", "compile"):
            yield f"PyTorch {mode}", lambda m=mode: run([a.torch, script, name, m, *options])
        if a.onnx and name.startswith("infer_") and name != "infer_mlp":
            file = folder / f"{name}.onnx"
            if not file.exists():
                run([a.torch, script, name, "--export", str(file), "--batch", "1"])
            for engine in ("openvino", "onnxruntime"):
                if engine == "onnxruntime" and batch:
                    file = folder / f"{name}_{batch}.onnx"
                    if not file.exists():
                        run([a.torch, script, name, "--export", str(file), "--batch", batch])
                yield engine, lambda e=engine, f=file: run(
                    [a.onnx, str(here / "onnx_bench.py"), str(f), e, batch or "1", "--rounds", "3"])


def check(workload):
    """Whether the first step's loss from Keras's weights is Keras's."""
    expected = keras(a.tensorflow or a.jax, "tensorflow" if a.tensorflow else "jax", workload, "--write", str(folder))["loss"]
    files = ["--weights", str(folder / f"{workload}.weights.h5"), "--data", str(folder / f"{workload}.npz")]
    loss = run([a.keratin, "bench", workload, "--json", "--no-dropout", "--rounds", "1", *files])["loss"]
    print(f"{workload}: first loss {loss:.6f}, Keras's {expected:.6f}", flush=True)
    if abs(loss - expected) > 1e-3 * max(1, abs(expected)):
        raise SystemExit(f"{workload}: the losses differ")


def cpu():
    for line in pathlib.Path("/proc/cpuinfo").read_text().splitlines():
        if line.startswith("model name"):
            return line.split(":", 1)[1].strip()
    return platform.processor()


if a.check:
    for workload in a.workloads:
        if not workload.startswith("infer_"):
            check(workload)
versions, rows = set(), []
for workload in a.workloads:
    contestants = dict(commands(workload))
    results = {name: [] for name in contestants}
    for _ in range(a.rounds):
        for name, measure in contestants.items():
            results[name].append(measure())
            versions.add(results[name][-1].get("version", ""))
    times = {name: statistics.median(r["median_ms"] for r in runs) for name, runs in results.items()}
    peers = {name: ms for name, ms in times.items() if name != "Keratin"}
    best = min(peers, key=peers.get) if peers else None
    for name, runs in results.items():
        low = min(r["min_ms"] for r in runs)
        first = min(r["first_step_s"] for r in runs)
        batch = runs[0]["batch"]
        ratio = f"{times[name] / peers[best]:.2f}" if best else ""
        rows.append(
            f"| {workload if name == 'Keratin' else ''} | {name} | {batch} | {times[name]:.3f} | {low:.3f} | "
            f"{batch * 1e3 / times[name]:.0f} | {first:.2f} | {min(r['peak_mb'] for r in runs):.0f} | {ratio} |")
        print(rows[-1], flush=True)
text = "\n".join([
    f"{datetime.date.today()}, {cpu()}, {os.cpu_count()} cores, 2 threads, float32; medians over {a.rounds} interleaved runs; "
    + "; ".join(sorted(v for v in versions if v)), "",
    "| workload | by | batch | ms | lowest ms | samples/s | first step, s | peak MB | ratio to the best peer |",
    "|---|---|---|---|---|---|---|---|---|", *rows])
if a.output:
    pathlib.Path(a.output).write_text(text + "\n")
