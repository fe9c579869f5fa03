"""Writes the files of tests/data/images: small pictures of every kind and the
samples that Pillow reads from them, whole and resized.

    pip install numpy pillow && python3 make_image_fixtures.py

expected.npz holds, for the file NAME: NAME/rgb, NAME/grayscale, NAME/rgba.
resized.npz holds, for a method M and a picture of 13 x 9: M/HEIGHTxWIDTH, and
for the box that Keras cuts with keep_aspect_ratio M/HEIGHTxWIDTH/cut.
"""
import pathlib

import numpy as np
from PIL import Image

OUT = pathlib.Path(__file__).parent / "images"
HEIGHT, WIDTH = 9, 13


def smooth():
    y, x = np.mgrid[:HEIGHT, :WIDTH]
    planes = [127 + 120 * np.sin(x / 3 + k) * np.cos(y / 2 - k) for k in range(4)]
    return np.stack(planes, -1).clip(0, 255).astype("uint8")


def files():
    rgba = smooth()
    rgb = Image.fromarray(rgba[..., :3])
    grey = rgb.convert("L")
    clear = Image.fromarray(rgba)
    palette = rgb.quantize(16)
    yield "colour.jpg", rgb, dict(quality=90)
    yield "fine.jpg", rgb, dict(quality=95, subsampling=0)
    yield "progressive.jpg", rgb, dict(quality=80, progressive=True)
    yield "grey.jpg", grey, dict(quality=90)
    yield "inks.jpg", rgb.convert("CMYK"), dict(quality=95)
    yield "colour.png", rgb, {}
    yield "grey.png", grey, {}
    yield "clear.png", clear, {}
    yield "grey_clear.png", clear.convert("LA"), {}
    yield "palette.png", palette, {}
    yield "palette_clear.png", palette, dict(transparency=3)
    yield "one_bit.png", grey.convert("1"), {}
    yield "colour.gif", palette, dict(interlace=0)
    yield "interlaced.gif", palette, dict(interlace=1)
    yield "clear.gif", palette, dict(transparency=3)
    yield "colour.bmp", rgb, {}
    yield "grey.bmp", grey, {}
    yield "one_bit.bmp", grey.convert("1"), {}


def resized(arrays):
    picture = Image.fromarray(smooth()[..., :3])
    clear = Image.fromarray(smooth())
    methods = dict(
        nearest=Image.NEAREST, bilinear=Image.BILINEAR, bicubic=Image.BICUBIC,
        hamming=Image.HAMMING, box=Image.BOX, lanczos=Image.LANCZOS)
    for name, method in methods.items():
        for height, width in [(5, 7), (9, 20), (18, 13), (1, 1), (31, 3)]:
            size = f"{name}/{height}x{width}"
            arrays[size] = np.asarray(picture.resize((width, height), method))
            cut_height = min(HEIGHT, WIDTH * height // width)
            cut_width = min(WIDTH, HEIGHT * width // height)
            top, left = (HEIGHT - cut_height) // 2, (WIDTH - cut_width) // 2
            box = (left, top, left + cut_width, top + cut_height)
            if cut_height and cut_width:
                arrays[size + "/cut"] = np.asarray(
                    picture.resize((width, height), method, box=box))
        arrays[f"{name}/rgba"] = np.asarray(clear.resize((7, 5), method))


def main():
    OUT.mkdir(exist_ok=True)
    expected = {}
    for name, image, options in files():
        image.save(OUT / name, **options)
        with Image.open(OUT / name) as read:
            read.load()
            expected[name + "/rgb"] = np.asarray(read.convert("RGB"))
            expected[name + "/grayscale"] = np.asarray(read.convert("L"))[..., None]
            expected[name + "/rgba"] = np.asarray(read.convert("RGBA"))
    np.savez_compressed(OUT / "expected.npz", **expected)
    arrays = {}
    resized(arrays)
    np.savez_compressed(OUT / "resized.npz", **arrays)


main()
