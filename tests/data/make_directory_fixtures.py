"""Writes tests/data/images/directory.npz: what Keras's
image_dataset_from_directory and timeseries_dataset_from_array give.

    pip install keras tensorflow-cpu pillow
    python3 make_image_fixtures.py && python3 make_directory_fixtures.py

The folder has the classes and files of FILES, copies of tests/data/images.
"""
import pathlib
import shutil
import tempfile

import keras
import numpy as np

HERE = pathlib.Path(__file__).parent / "images"
FILES = {
    "cat": ["colour.png", "fine.jpg", "grey.png"],
    "dog": ["colour.bmp", "palette.png"],
    "eel": ["colour.gif", "grey.jpg", "one_bit.png", "progressive.jpg"],
}
METHODS = ["bilinear", "nearest", "bicubic", "area", "lanczos3", "lanczos5",
           "gaussian", "mitchellcubic"]
SIZES = {"small": (4, 5), "large": (20, 17), "tall": (12, 3)}


def images(folder, arrays):
    def load(**options):
        return keras.utils.image_dataset_from_directory(
            folder, batch_size=None, verbose=False, **options)

    for method in METHODS:
        for name, size in SIZES.items():
            for ratio in ["", "crop", "pad"]:
                if ratio == "crop" and method in ["gaussian", "mitchellcubic"]:
                    continue  # Keras cannot
                options = {f"{ratio}_to_aspect_ratio": True} if ratio else {}
                pictures = [x.numpy() for x, _ in load(
                    image_size=size, interpolation=method, shuffle=False,
                    **options)]
                key = "/".join(filter(None, [method, name, ratio]))
                arrays[key] = np.stack(pictures[:3])
    for subset in ["training", "validation"]:
        split = load(image_size=(2, 2), seed=123, validation_split=0.3,
                     subset=subset)
        arrays["split/" + subset] = np.array(
            [str(pathlib.Path(p).relative_to(folder)) for p in split.file_paths])


def timeseries(arrays):
    data = np.arange(60, dtype="float32").reshape(30, 2)
    targets = np.arange(100, 130)
    batches = keras.utils.timeseries_dataset_from_array(
        data, targets, sequence_length=4, sequence_stride=3, sampling_rate=2,
        batch_size=5, start_index=2, end_index=27)
    x, y = zip(*[(x.numpy(), y.numpy()) for x, y in batches])
    arrays["timeseries/x"] = np.concatenate(x)
    arrays["timeseries/y"] = np.concatenate(y)
    arrays["timeseries/batches"] = np.array([len(b) for b in x])


def main():
    arrays = {}
    with tempfile.TemporaryDirectory() as folder:
        for name, files in FILES.items():
            (pathlib.Path(folder) / name).mkdir()
            for file in files:
                shutil.copy(HERE / file, pathlib.Path(folder) / name / file)
        images(folder, arrays)
    timeseries(arrays)
    np.savez_compressed(HERE / "directory.npz", **arrays)


main()
