"""Writes random_draws_keras.cpp: statistics of what real Keras's random layers
draw, for random_draws_test.cpp.

usage: python random_draws_keras.py > random_draws_keras.cpp    (Keras 3.15.1)

Every layer draws 10,000 times on images of 8 x 8 x 3: 50 groups of 200 images,
each group given in calls of 200 images, or of 4 where a layer draws some of its
numbers once for a call. Image i of a call has the value
(37 y + 71 x + 113 c + 29 x y + 16 (i mod 16)) mod 256 at (y, x, c); a layer of
other rank gets it reshaped. Measured are the mean of the image and two pixels: mean and variance over all draws, with
their standard errors from the groups, the smallest and the largest.
"""

import json
import os

os.environ["TF_CPP_MIN_LOG_LEVEL"] = "3"
import keras
import numpy as np
import tensorflow as tf

L = keras.layers
GROUPS, IMAGES = 50, 200

# Layer, images in a call and, where it is not (8, 8, 3), the shape of one.
CASES = [
    (L.RandomCrop(5, 6), 4),
    (L.RandomFlip(), 200),
    (L.RandomFlip("horizontal"), 200),
    (L.RandomRotation(0.2), 200),
    (L.RandomRotation((-0.1, 0.3), fill_mode="constant", fill_value=9.0), 200),
    (L.RandomTranslation(0.3, (-0.2, 0.4), fill_mode="wrap"), 200),
    (L.RandomZoom(0.3), 200),
    (L.RandomZoom((-0.4, 0.2), 0.3, fill_mode="nearest"), 200),
    (L.RandomShear(0.5, (0.1, 0.3)), 200),
    (L.RandomPerspective(0.8, 0.5), 200),
    (L.RandomElasticTransform(0.9, scale=(0.4, 1.0)), 4),
    (L.RandomBrightness(0.3), 200),
    (L.RandomContrast((0.2, 0.7)), 200),
    (L.RandomHue(0.6), 200),
    (L.RandomSaturation((0.2, 0.8)), 200),
    (L.RandomColorJitter(brightness_factor=0.2, contrast_factor=0.4,
                         saturation_factor=(0.3, 0.7), hue_factor=0.3), 200),
    (L.RandomColorDegeneration((0.1, 0.9)), 200),
    (L.RandomGrayscale(0.3), 200),
    (L.RandomInvert(0.7), 200),
    (L.RandomPosterization((2, 6)), 200),
    (L.RandomSharpness(0.8), 200),
    (L.RandomGaussianBlur(0.8, kernel_size=(3, 5), sigma=(0.2, 1.0)), 4),
    (L.RandomErasing(0.8, scale=(0.1, 0.6)), 200),
    (L.RandomErasing(fill_value=50.0), 200),
    (L.Solarization(0.4, (0.1, 0.9)), 200),
    (L.MixUp(0.4), 200),
    (L.CutMix((0.3, 1.0)), 4),
    (L.RandAugment(factor=0.4), 20),
    (L.AugMix(factor=0.4), 100),
    (L.Dropout(0.3), 200),
    (L.Dropout(0.6, noise_shape=(None, 1, 8, 1)), 200),
    (L.AlphaDropout(0.2), 200),
    (L.AlphaDropout(0.4, noise_shape=(None, 8, 1, 3)), 200),
    (L.GaussianDropout(0.3), 200),
    (L.GaussianNoise(0.9), 200),
    (L.SpatialDropout1D(0.4), 200, (64, 3)),
    (L.SpatialDropout2D(0.25), 200),
    (L.SpatialDropout3D(0.5), 200, (4, 2, 8, 3)),
]


def images(count):
    y, x, c = np.meshgrid(np.arange(8), np.arange(8), np.arange(3), indexing="ij")
    base = 37 * y + 71 * x + 113 * c + 29 * x * y
    more = 16 * (np.arange(count) % 16)[:, None, None, None]
    return ((base[None] + more) % 256).astype("float32")


def measures(y):
    if y.size == len(y) * 8 * 8 * 3:
        y = y.reshape(len(y), 8, 8, 3)
    return np.stack([y.mean((1, 2, 3)), y[:, 1, 2, 0], y[:, 4, 3, 1]], 1)


def main():
    keras.utils.set_random_seed(1)
    print('#include "tests/layers/random_draws_keras.hpp"\n')
    print("// clang-format off")
    print("// Written by random_draws_keras.py with Keras 3.15.1.\n")
    print("namespace keratin::testing {\n\nnamespace {\n")
    print("constexpr KerasDraws kDraws[] = {")
    for layer, call, *shape in CASES:
        x = keras.ops.convert_to_tensor(images(call))
        if shape:
            x = keras.ops.reshape(x, (call, *shape[0]))
        run = lambda x, layer=layer: layer(x, training=True)
        # AugMix chooses its layers in Python: in a graph, once and for all.
        if not isinstance(layer, L.AugMix):
            run = tf.function(run)
        groups = []
        for _ in range(GROUPS):
            parts = [measures(np.asarray(run(x), "float64"))
                     for _ in range(IMAGES // call)]
            groups.append(np.concatenate(parts))
        groups = np.stack(groups)  # group, image, measure
        every = groups.reshape(-1, 3)
        mean, variance = every.mean(0), every.var(0)
        around = ((groups - mean) ** 2).mean(1)
        root = np.sqrt(GROUPS)
        numbers = np.stack([
            mean, groups.mean(1).std(0, ddof=1) / root,
            variance, around.std(0, ddof=1) / root,
            every.min(0), every.max(0)], 1)
        rows = ", ".join("{" + ", ".join(f"{v:.6g}" for v in row) + "}" for row in numbers)
        config = json.dumps(keras.saving.serialize_keras_object(layer))
        print(f'    {{R"({config})",\n     {call},\n     {{{{{rows}}}}}}},')
    print("};\n\n}  // namespace\n")
    print("std::span<const KerasDraws> keras_draws() {\n  return kDraws;\n}\n")
    print("}  // namespace keratin::testing")


main()
