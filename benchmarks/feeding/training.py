"""Training from JPEG files beside training from memory, in turns.

    python3 training.py build/bin/keratin CONFIG.json [--rounds 3] [--steps 100]

CONFIG has data.image_dataset_from_directory (examples/cifar10_resnet20.json with its
pictures beside it). Every round trains once with "cache": false and once with true, in
an order that turns; the first epoch of each, which compiles and fills the cache, does not
count. Wanted: from files at least 0.9 of the speed from memory, or the pipeline alone
(`keratin data`) no faster than training.
"""
import argparse
import json
import pathlib
import statistics
import subprocess


def seconds_a_step(args, cached):
    command = [
        args.keratin,
        "train",
        args.config.name,
        "--set=data.image_dataset_from_directory.cache=" + ("true" if cached else "false"),
        "--set=data.image_dataset_from_directory.test_directory=null",
        "--set=output=null",
        f"--set=fit.epochs={args.epochs}",
        f"--set=fit.steps_per_epoch={args.steps}",
        "--log-format=json",
    ]
    lines = subprocess.run(
        command, cwd=args.config.parent, stdout=subprocess.PIPE, text=True, check=True
    ).stdout.splitlines()
    ends = [e for e in map(json.loads, lines) if e["event"] == "epoch_end"]
    return statistics.median(e["seconds"] / e["steps"] for e in ends[1:])


def pipeline_alone(args):
    text = subprocess.run(
        [args.keratin, "data", args.config.name, "--json", f"--batches={args.steps}"],
        cwd=args.config.parent,
        stdout=subprocess.PIPE,
        text=True,
        check=True,
    ).stdout
    return json.loads(text)["parts"][0]["examples_per_second"]


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("keratin")
    parser.add_argument("config", type=lambda path: pathlib.Path(path).resolve())
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--epochs", type=int, default=3)
    parser.add_argument("--steps", type=int, default=100)
    args = parser.parse_args()
    args.keratin = str(pathlib.Path(args.keratin).resolve())
    data = json.loads(args.config.read_text())["data"]["image_dataset_from_directory"]
    batch = data.get("batch_size", 32)
    seconds = {False: [], True: []}
    for round_ in range(args.rounds):
        for cached in (False, True) if round_ % 2 == 0 else (True, False):
            seconds[cached].append(seconds_a_step(args, cached))
    files, memory = (batch / statistics.median(seconds[cached]) for cached in (False, True))
    print("| | images/s | of memory's |")
    print("|---|---|---|")
    print(f"| from memory | {memory:.0f} | 1 |")
    print(f"| from files | {files:.0f} | {files / memory:.2f} |")
    print(f"| the pipeline alone, from files | {pipeline_alone(args):.0f} | |")


if __name__ == "__main__":
    main()
