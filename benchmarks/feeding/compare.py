"""Images a second of our pipeline beside tf.data's and PyTorch's DataLoader's, on
the same JPEG files, in turns; and batches from arrays in GB/s.

    python3 compare.py PROGRAM FOLDER --size 32 [--rounds 7] [--threads 2]
                       [--batch 128] [--json]

PROGRAM is build/bin/feeding; FOLDER holds a folder of JPEGs per class, all of them
SIZE x SIZE after resizing. Every round runs each reader once, in an order that turns;
ratios are of medians. TensorFlow and PyTorch (with torchvision) are left out, saying
so, where they are not installed.
"""
import argparse
import json
import os
import pathlib
import platform
import statistics
import subprocess
import time


def files_of(folder):
    classes = sorted(p for p in pathlib.Path(folder).iterdir() if p.is_dir())
    return [
        (str(file), label)
        for label, directory in enumerate(classes)
        for file in sorted(directory.iterdir())
        if file.suffix.lower() in (".jpg", ".jpeg")
    ]


class Ours:
    """The program, kept alive; a line in, a number out."""

    def __init__(self, args):
        self.process = subprocess.Popen(
            [args.program, args.folder, str(args.size), str(args.threads), str(args.batch)],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            text=True,
        )

    def ask(self, word):
        self.process.stdin.write(word + "\n")
        self.process.stdin.flush()
        line = self.process.stdout.readline()
        if not line:
            raise SystemExit(f"{self.process.args[0]} ended; see what it said above")
        return float(line)

    def pictures(self):
        return self.ask("pictures")

    def arrays(self):
        return self.ask("arrays")

    def close(self):
        self.process.communicate("end\n")


class TensorFlow:
    def __init__(self, args):
        os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")
        os.environ.setdefault("CUDA_VISIBLE_DEVICES", "")
        import numpy as np
        import tensorflow as tf

        tf.config.threading.set_intra_op_parallelism_threads(args.threads)
        tf.config.threading.set_inter_op_parallelism_threads(args.threads)
        self.version = f"tf.data {tf.__version__}"
        paths, labels = zip(*files_of(args.folder))
        size = (args.size, args.size)

        def load(path, label):
            picture = tf.image.decode_jpeg(tf.io.read_file(path), channels=3)
            return tf.image.resize(picture, size), label

        self.dataset = (
            tf.data.Dataset.from_tensor_slices((list(paths), list(labels)))
            .shuffle(len(paths), seed=1)
            .map(load, num_parallel_calls=tf.data.AUTOTUNE)
            .batch(args.batch)
            .prefetch(tf.data.AUTOTUNE)
        )
        options = tf.data.Options()
        options.threading.private_threadpool_size = args.threads
        self.dataset = self.dataset.with_options(options)
        rows = (256 << 20) // 4096
        self.table = (
            tf.data.Dataset.from_tensor_slices(np.full((rows, 1024), 0.5, "float32"))
            .shuffle(rows, seed=1)
            .batch(args.batch)
        )

    def pictures(self):
        start, count = time.perf_counter(), 0
        for x, _ in self.dataset:
            count += x.shape[0]
        return count / (time.perf_counter() - start)

    def arrays(self):
        start, count = time.perf_counter(), 0
        for x in self.table:
            count += x.shape[0] * 4096
        return count * 1e-9 / (time.perf_counter() - start)

    def close(self):
        pass


class Torch:
    def __init__(self, args):
        import torch
        from torchvision.io import ImageReadMode, decode_jpeg, read_file
        from torchvision.transforms.functional import resize

        torch.set_num_threads(args.threads)
        self.version = f"DataLoader {torch.__version__}"
        files = files_of(args.folder)
        size = [args.size, args.size]

        class Pictures(torch.utils.data.Dataset):
            def __len__(self):
                return len(files)

            def __getitem__(self, index):
                path, label = files[index]
                picture = decode_jpeg(read_file(path), mode=ImageReadMode.RGB)
                if list(picture.shape[1:]) != size:
                    picture = resize(picture, size, antialias=False)
                return picture.float(), label

        self.loader = torch.utils.data.DataLoader(
            Pictures(),
            batch_size=args.batch,
            shuffle=True,
            num_workers=args.threads,
            persistent_workers=True,
        )
        rows = (256 << 20) // 4096
        self.table = torch.utils.data.DataLoader(
            torch.utils.data.TensorDataset(torch.full((rows, 1024), 0.5)),
            batch_size=args.batch,
            shuffle=True,
        )

    def pictures(self):
        start, count = time.perf_counter(), 0
        for x, _ in self.loader:
            count += x.shape[0]
        return count / (time.perf_counter() - start)

    def arrays(self):
        start, count = time.perf_counter(), 0
        for (x,) in self.table:
            count += x.shape[0] * 4096
        return count * 1e-9 / (time.perf_counter() - start)

    def close(self):
        pass


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("program")
    parser.add_argument("folder")
    parser.add_argument("--size", type=int, default=32)
    parser.add_argument("--rounds", type=int, default=7)
    parser.add_argument("--threads", type=int, default=2)
    parser.add_argument("--batch", type=int, default=128)
    parser.add_argument("--json", action="store_true")
    args = parser.parse_args()
    readers = {"keratin": Ours(args)}
    for name, make in (("tf.data", TensorFlow), ("torch", Torch)):
        try:
            readers[name] = make(args)
        except ImportError as error:
            print(f"{name} is left out: {error}")
    results = {}
    for what in ("pictures", "arrays"):
        for reader in readers.values():
            getattr(reader, what)()  # files into the system's cache, threads up
        times = {name: [] for name in readers}
        names = list(readers)
        for round_ in range(args.rounds):
            turn = round_ % len(names)
            for name in names[turn:] + names[:turn]:
                times[name].append(getattr(readers[name], what)())
        results[what] = times
    for reader in readers.values():
        reader.close()
    if args.json:
        print(json.dumps(results))
        return
    print(
        f"{len(files_of(args.folder))} JPEGs to {args.size} x {args.size}, batch "
        f"{args.batch}, {args.threads} threads, {args.rounds} rounds in turns, "
        f"{platform.processor() or platform.machine()}\n"
    )
    print("| | images/s, median (least to most) | ratio | batches of arrays, GB/s | ratio |")
    print("|---|---|---|---|---|")
    best = {what: statistics.median(results[what]["keratin"]) for what in results}
    for name, reader in readers.items():
        cells = [getattr(reader, "version", name)]
        for what, digits in (("pictures", 0), ("arrays", 2)):
            numbers = results[what][name]
            median = statistics.median(numbers)
            cells.append(
                f"{median:.{digits}f} ({min(numbers):.{digits}f} to {max(numbers):.{digits}f})"
            )
            cells.append(f"{best[what] / median:.2f}")
        print("| " + " | ".join(cells) + " |")


if __name__ == "__main__":
    main()
