"""Writes resnet20.json: the ResNet-20 of "Deep residual learning for image
recognition" (He et al., 2015, section 4.2), with projections in its shortcuts.

    python3 make_resnet20.py     (keras)
"""
import json
import pathlib

import keras
from keras import layers


def convolution(x, filters, size, strides=1):
    x = layers.Conv2D(
        filters,
        size,
        strides,
        padding="same",
        use_bias=False,
        kernel_initializer="he_normal",
    )(x)
    return layers.BatchNormalization()(x)


def main():
    pixels = keras.Input((32, 32, 3))
    x = layers.Rescaling(1 / 127.5, -1)(pixels)
    x = layers.ReLU()(convolution(x, 16, 3))
    for filters in (16, 32, 64):
        for block in range(3):
            strides = 2 if block == 0 and filters > 16 else 1
            y = layers.ReLU()(convolution(x, filters, 3, strides))
            y = convolution(y, filters, 3)
            if strides == 2:
                x = convolution(x, filters, 1, strides)
            x = layers.ReLU()(layers.Add()([x, y]))
    x = layers.GlobalAveragePooling2D()(x)
    y = layers.Dense(10, activation="softmax")(x)
    model = keras.Model(pixels, y, name="resnet20")
    path = pathlib.Path(__file__).parent / "resnet20.json"
    path.write_text(json.dumps(json.loads(model.to_json()), separators=(",", ":")) + "\n")


if __name__ == "__main__":
    main()
