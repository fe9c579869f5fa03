#!/usr/bin/env python3
"""Writes tests/data/conformance/reshape/plain: a case as keras_conformance reads
them, of a model without weights, whose list of paths h5py writes as numbers.

Run with keras 3.15, tensorflow and h5py:  make_conformance_case.py FOLDER
"""

import os
import pathlib
import sys

os.environ["TF_CPP_MIN_LOG_LEVEL"] = "3"
os.environ["CUDA_VISIBLE_DEVICES"] = ""

import h5py
import keras
import numpy as np

if __name__ == "__main__":
    folder = pathlib.Path(sys.argv[1]) / "reshape"
    folder.mkdir(parents=True, exist_ok=True)
    random = np.random.RandomState(1)
    x = random.uniform(-1, 1, (3, 2, 2)).astype("float32")
    y = random.uniform(-1, 1, (3, 4)).astype("float32")
    i = keras.Input((2, 2))
    model = keras.Model(i, keras.layers.Flatten()(i))
    model.save(folder / "plain.keras")
    with h5py.File(folder / "plain.golden.h5", "w") as file:
        file.attrs["precision"] = "float32"
        file.attrs["random"] = 0
        file["paths"] = [weight.path for weight in model.weights]
        file["inputs/0"] = x
        file["predict/0"] = model.predict(x, verbose=0)
        file["target/0"] = y
        model.compile(keras.optimizers.SGD(0.5), "mse")
        file["loss"] = np.float64(model.train_on_batch(x, y))
