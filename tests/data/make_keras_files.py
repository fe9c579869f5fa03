#!/usr/bin/env python3
"""Writes the files of tests/data/keras_files; the .keras files are packed.

Run with keras 3.15, tf_keras, tensorflow and h5py:  make_keras_files.py FOLDER

unbuilt_CLASS.keras: a Dense(2) on 4 numbers, compiled with the optimizer at a
rate of 0.25 and never trained, so that the optimizer has no slots yet;
unbuilt_schedule.keras has a schedule in place of the rate.
compiled_inside.keras: a compiled and trained model inside another one.
keras2_*.keras: Keras 2's, whose files keep the counts of metrics: before the
first step, after two of Adam and of an optimizer of before Keras 2.11, and with
a compiled model inside.
masked_*.keras with .npz: models called on masked tensors, and what they
predict.
training_*.h5: calls of Keras 2 with `training` given, with the moving
statistics that a step of fit leaves (after, in .npz).
bins_*.h5: Keras 2's Discretization, with what it yields.
odd_*: what inspect has to say of: a kernel in another file (external, virtual),
metadata of 2 MB in 2 kB, a version that is a number.
"""

import io
import os
import pathlib
import sys
import zipfile

os.environ["TF_CPP_MIN_LOG_LEVEL"] = "3"
os.environ["CUDA_VISIBLE_DEVICES"] = ""

import h5py
import keras
import numpy as np
import tf_keras

RATE = 0.25
OPTIMIZERS = (
    "Adadelta Adafactor Adagrad Adam AdamW Adamax Ftrl Lamb Lion Muon Nadam "
    "RMSprop SGD ScheduleFreeAdamW"
).split()


def pack(path, change=lambda members: None):
    """Deflates the members, changed."""
    with zipfile.ZipFile(path) as file:
        members = {name: file.read(name) for name in file.namelist()}
    change(members)
    with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED, compresslevel=9) as file:
        for name, content in members.items():
            file.writestr(zipfile.ZipInfo(name), content, zipfile.ZIP_DEFLATED)


def save(model, path):
    """The model as Keras writes it, with its members deflated."""
    model.save(path)
    pack(path)


def unbuilt(out):
    optimizers = {
        name: getattr(keras.optimizers, name)(learning_rate=RATE)
        for name in OPTIMIZERS
    }
    optimizers["LossScaleOptimizer"] = keras.optimizers.LossScaleOptimizer(
        keras.optimizers.Adam(RATE)
    )
    optimizers["MultiOptimizer"] = keras.optimizers.MultiOptimizer(
        keras.optimizers.OptimizerMap(keras.optimizers.Adam(RATE))
    )
    optimizers["schedule"] = keras.optimizers.Adam(
        keras.optimizers.schedules.ExponentialDecay(RATE, 10, 0.5)
    )
    for name, optimizer in optimizers.items():
        model = keras.Sequential([keras.Input((4,)), keras.layers.Dense(2)])
        model.compile(optimizer, "mse")
        save(model, out / f"unbuilt_{name}.keras")


def trained(k):
    """A compiled and trained model."""
    inner = k.Sequential([k.Input((4,)), k.layers.Dense(3)], name="inner")
    inner.compile("adam", "mse", metrics=["mae"])
    inner.fit(np.ones((4, 4)), np.zeros((4, 3)), verbose=0)
    return inner


def compiled_inside(k):
    x = k.Input((4,))
    model = k.Model(x, k.layers.Dense(2)(trained(k)(x)))
    model.compile("sgd", "mse", metrics=["mae"])
    model.fit(np.ones((4, 4)), np.zeros((4, 2)), verbose=0)
    return model


def keras2_compiled(out):
    k = tf_keras
    adam = {"after": k.optimizers.Adam, "legacy": k.optimizers.legacy.Adam}
    for name, optimizer in {"before": k.optimizers.Adam, **adam}.items():
        model = k.Sequential([k.Input((4,)), k.layers.Dense(2)])
        model.compile(optimizer(RATE), "mse", metrics=["mae"])
        if name != "before":
            model.fit(
                np.ones((4, 4)), np.zeros((4, 2)), batch_size=2, verbose=0
            )
        save(model, out / f"keras2_{name}.keras")
    save(compiled_inside(k), out / "keras2_inside.keras")


def masked_sequential(x):
    l = keras.layers
    h = l.Embedding(5, 4, mask_zero=True)(x)
    return keras.Sequential([l.LSTM(3)], name="inner")(h)


def masked_functional(x):
    l = keras.layers
    i = keras.Input((6, 4))
    inner = keras.Model(i, l.GRU(3)(i), name="inner")
    return inner(l.Embedding(5, 4, mask_zero=True)(x))


def masked_two(x):
    """The second input has a mask by the call alone."""
    l = keras.layers
    i, j = keras.Input((6, 4)), keras.Input((6, 5))
    inner = keras.Model(
        [i, j], l.Concatenate()([l.GRU(3)(i), l.GRU(2)(j)]), name="inner"
    )
    h = l.Embedding(5, 4, mask_zero=True)(x)
    hot = keras.ops.one_hot(x, 5)
    return inner([h, hot], mask=[None, keras.ops.not_equal(x, 1)])


def masked(out):
    x = np.array([[1, 2, 3, 0, 0, 0], [4, 1, 0, 2, 0, 0]], "int32")
    for build in (masked_sequential, masked_functional, masked_two):
        i = keras.Input((6,), dtype="int32")
        model = keras.Model(i, build(i))
        for weight in model.weights:
            weight.assign(np.random.uniform(-1, 1, weight.shape))
        save(model, out / f"{build.__name__}.keras")
        np.savez(
            out / f"{build.__name__}.npz", x=x, y=model.predict(x, verbose=0)
        )


def training(out):
    k = tf_keras
    x = np.random.uniform(-1, 1, (8, 3)).astype("float32")

    def norm(i):
        return k.layers.BatchNormalization(name="norm")(i, training=True)

    def base(i):
        inner = k.Sequential([k.Input((3,)), k.layers.BatchNormalization()])
        return k.layers.Dense(1)(inner(i, training=False))

    def dropout(i):
        return k.layers.Dropout(0.5)(i, training=True)

    for build in (norm, base, dropout):
        i = k.Input((3,))
        model = k.Model(i, build(i))
        for weight in model.weights:
            weight.assign(np.random.uniform(0.5, 2, weight.shape))
        model.save(out / f"training_{build.__name__}.h5")
        y = model.predict(x, verbose=0)
        model.compile("sgd", "mse")
        model.train_on_batch(x, np.zeros(y.shape))
        arrays = {"y": y} if build is not dropout else {}
        np.savez(
            out / f"training_{build.__name__}.npz",
            x=x,
            after=np.stack([w.numpy() for w in model.weights[2:4]])
            if build is base
            else np.zeros(0),
            **arrays,
        )


def bins(out):
    k = tf_keras
    x = np.array([[-0.75, -0.25, 0.25, 0.75, 0.5, 1e30]], "float32")
    for mode in ("int", "multi_hot"):
        layer = k.layers.Discretization(
            [-0.5, 0.5], output_mode=mode, dtype="int64"
        )
        model = k.Sequential([k.Input((6,)), layer])
        model.save(out / f"bins_{mode}.h5")
        np.savez(out / f"bins_{mode}.npz", x=x, y=model.predict(x, verbose=0))


def external(kernel, shape):
    kernel.create_dataset("0", shape, "f4", external=[("other.bin", 0, 32)])


def virtual(kernel, shape):
    layout = h5py.VirtualLayout(shape, "f4")
    layout[:] = h5py.VirtualSource("other.h5", "data", shape=shape)
    kernel.create_virtual_dataset("0", layout)


def odd(out):
    model = keras.Sequential([keras.Input((4,)), keras.layers.Dense(2)])
    for replace in (external, virtual):
        path = out / f"odd_{replace.__name__}.keras"
        model.save(path)

        def change(members):
            content = io.BytesIO(members["model.weights.h5"])
            with h5py.File(content, "r+") as file:
                kernel = file["layers/dense/vars"]
                del kernel["0"]
                replace(kernel, (4, 2))
            members["model.weights.h5"] = content.getvalue()

        pack(path, change)
    save(model, out / "odd_metadata.keras")
    pack(
        out / "odd_metadata.keras",
        lambda members: members.update({"metadata.json": b" " * 2_000_000}),
    )
    old = tf_keras.Sequential([tf_keras.Input((4,)), tf_keras.layers.Dense(2)])
    old.save(out / "odd_version.h5")
    with h5py.File(out / "odd_version.h5", "r+") as file:
        file.attrs["keras_version"] = 2.0


if __name__ == "__main__":
    folder = pathlib.Path(sys.argv[1])
    folder.mkdir(exist_ok=True)
    keras.utils.set_random_seed(1)
    unbuilt(folder)
    save(compiled_inside(keras), folder / "compiled_inside.keras")
    tf_keras.utils.set_random_seed(2)
    keras2_compiled(folder)
    masked(folder)
    training(folder)
    bins(folder)
    odd(folder)
