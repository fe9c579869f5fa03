"""Writes weights of whole architectures as real Keras does, with what it
predicts with them, for check_full_size.

    python3 tests/tools/make_full_size.py FOLDER [NAME...]

For every NAME (default: VGG16 ResNet50) with random weights: NAME.weights.h5 in
Keras 3's form, NAME.h5 in Keras 2's, NAME.keras, and NAME.npz with a picture
`x` and the probabilities `y`. VGG16 takes 1.6 GB; use a temporary folder.
"""
import os
import pathlib
import sys

os.environ["TF_CPP_MIN_LOG_LEVEL"] = "3"
import h5py  # noqa: E402
import keras  # noqa: E402
import numpy as np  # noqa: E402
from keras.src.legacy.saving import legacy_h5_format  # noqa: E402


def main():
    folder = pathlib.Path(sys.argv[1])
    folder.mkdir(parents=True, exist_ok=True)
    for name in sys.argv[2:] or ["VGG16", "ResNet50"]:
        keras.backend.clear_session()
        keras.utils.set_random_seed(7)
        model = getattr(keras.applications, name)(weights=None)
        random = np.random.default_rng(7)
        # Statistics as after training, so that no activation dies or explodes.
        for v in model.weights:
            part = v.path.split("/")[-1]
            if part in ("gamma", "moving_variance"):
                v.assign(random.uniform(0.75, 1.25, v.shape))
            elif part in ("beta", "moving_mean", "bias"):
                v.assign(random.uniform(-0.2, 0.2, v.shape))
        shape = [1] + [d or 224 for d in model.input_shape[1:]]
        x = random.uniform(-1, 1, shape).astype("float32")
        if name.startswith(("EfficientNet", "MobileNetV3", "ConvNeXt")):
            x = x * 127.5 + 127.5
        y = model.predict(x, verbose=0)
        np.savez(folder / f"{name}.npz", x=x, y=y)
        model.save_weights(folder / f"{name}.weights.h5")
        model.save(folder / f"{name}.keras")
        with h5py.File(folder / f"{name}.h5", "w") as file:
            legacy_h5_format.save_weights_to_hdf5_group(file, model)
        print(name, model.count_params(), float(y.max()), flush=True)


main()
