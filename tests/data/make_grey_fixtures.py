"""Writes tests/data/images/vivid.jpg, whose colours are beyond what RGB can
hold, and grey.npz: what Keras's image_dataset_from_directory makes of pictures
with color_mode="grayscale".

    pip install keras tensorflow-cpu pillow
    python3 make_image_fixtures.py && python3 make_grey_fixtures.py
"""
import pathlib
import shutil
import tempfile

import keras
import numpy as np
from PIL import Image

HERE = pathlib.Path(__file__).parent / "images"
# TensorFlow decodes no GIF, BMP or CMYK as grey.
FILES = ["clear.png", "colour.jpg", "colour.png", "fine.jpg", "grey.jpg",
         "palette.png", "progressive.jpg", "vivid.jpg"]


def write_vivid():
    draws = np.random.RandomState(3)
    blocks = draws.choice([0, 255], size=(4, 6, 3)).astype("uint8")
    Image.fromarray(blocks.repeat(4, 0).repeat(4, 1)).save(
        HERE / "vivid.jpg", quality=20, subsampling=0)


def main():
    write_vivid()
    arrays = {}
    for file in FILES:
        with Image.open(HERE / file) as picture:
            size = (picture.height, picture.width)
        with tempfile.TemporaryDirectory() as folder:
            shutil.copy(HERE / file, folder)
            (x,) = keras.utils.image_dataset_from_directory(
                folder, labels=None, color_mode="grayscale", batch_size=None,
                image_size=size, interpolation="nearest", shuffle=False,
                verbose=False)
            arrays[file] = x.numpy()
    np.savez_compressed(HERE / "grey.npz", **arrays)


main()
