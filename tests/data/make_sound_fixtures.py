"""Writes tests/data/sounds: small WAV files, sounds.npz with what Keras's
audio_dataset_from_directory makes of them, and split.npz with the parts of
keras.utils.split_dataset.

    pip install keras tensorflow-cpu
    python3 make_sound_fixtures.py
"""
import pathlib
import shutil
import struct
import tempfile

import keras
import numpy as np

HERE = pathlib.Path(__file__).parent / "sounds"
FILES = {"bell": ["listed.wav", "long.wav"], "drum": ["mono.wav", "short.wav"]}


def chunk(name, content):
    return name + struct.pack("<I", len(content)) + content


def write(name, samples, extra=b"", before=b"", after=b""):
    channels = samples.shape[1]
    header = struct.pack(
        "<HHIIHH", 1, channels, 8000, 16000 * channels, 2 * channels, 16)
    body = (b"WAVE" + chunk(b"fmt ", header + extra) + before +
            chunk(b"data", samples.astype("<i2").tobytes()) + after)
    (HERE / name).write_bytes(b"RIFF" + struct.pack("<I", len(body)) + body)


def noise(seed, samples, channels=1):
    draws = np.random.RandomState(seed)
    out = draws.randint(-32768, 32768, size=(samples, channels))
    out[:2, 0] = [-32768, 32767]
    return out


def sounds(arrays):
    write("mono.wav", noise(1, 50))
    write("long.wav", noise(2, 90), extra=b"\0\0")
    write("short.wav", noise(3, 7))
    write("listed.wav", noise(4, 30), before=chunk(b"LIST", b"INFOsoft"),
          after=chunk(b"id3 ", b"abcd"))
    write("stereo.wav", noise(5, 20, 2))
    with tempfile.TemporaryDirectory() as folder:
        for name, files in FILES.items():
            (pathlib.Path(folder) / name).mkdir()
            for file in files:
                shutil.copy(HERE / file, pathlib.Path(folder) / name / file)

        def load(**options):
            return keras.utils.audio_dataset_from_directory(
                folder, verbose=False, **options)

        for length in [None, 40]:
            batches = [(x.numpy(), y.numpy()) for x, y in load(
                batch_size=3, shuffle=False, output_sequence_length=length)]
            for i, (x, y) in enumerate(batches):
                arrays[f"{length}/{i}/x"] = x
                arrays[f"{length}/{i}/y"] = y
        for subset in ["training", "validation"]:
            split = load(batch_size=None, seed=5, validation_split=0.5,
                         subset=subset)
            arrays["split/" + subset] = np.concatenate(
                [x.numpy() for x, _ in sorted(
                    split, key=lambda pair: len(pair[0]))])


def splits(arrays):
    rows = np.arange(25)
    for name, options in {
            "share": {"left_size": 0.5},
            "both": {"left_size": 0.3, "right_size": 5},
            "seed7": {"right_size": 10, "shuffle": True, "seed": 7},
            "seed0": {"left_size": 0.9, "shuffle": True, "seed": 0},
            "large": {"left_size": 12, "shuffle": True, "seed": 2**32 - 1},
    }.items():
        parts = keras.utils.split_dataset(
            rows, preferred_backend="tensorflow", **options)
        for side, part in zip(["left", "right"], parts):
            arrays[f"{name}/{side}"] = np.array([int(x) for x in part])


def main():
    HERE.mkdir(exist_ok=True)
    for name, make in {"sounds": sounds, "split": splits}.items():
        arrays = {}
        make(arrays)
        np.savez_compressed(HERE / f"{name}.npz", **arrays)


main()
