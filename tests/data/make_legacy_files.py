#!/usr/bin/env python3
"""Writes the .h5 files of tests/data/legacy.

Run with keras 3.15, tf_keras, tensorflow and h5py:  make_legacy_files.py FOLDER

composites_tf_keras.h5, composites_keras3.h5: layers that hold layers, whose
weights such files keep in one list each, with random weights; beside each a
.npz of an input, the prediction, and the numbers of weights that train and that
do not.
frozen_tf_keras.h5: wrappers that do not train, as a whole or their inner part.
huge_shapes.h5: weights of the layers a (Dense, 4 to 5) and b (Dense, 5 to 2)
whose kernels have shapes of 40 GB, and no data.
"""

import os
import pathlib
import sys

os.environ["TF_CPP_MIN_LOG_LEVEL"] = "3"
os.environ["TF_USE_LEGACY_KERAS"] = "1"  # SpectralNormalization reads tf.keras

import h5py
import keras
import numpy as np
import tf_keras

random = np.random.RandomState(11)
X = random.uniform(-1, 1, (2, 4, 3)).astype("float32")


def composites(k):
    l = k.layers
    bodies = k.Sequential(
        [
            k.Input((3,), name="row"),
            l.Dense(3, name="inner_dense"),
            l.BatchNormalization(name="inner_norm"),
            l.Dense(2, use_bias=False, name="last_dense"),
        ],
        name="body",
    )
    x = k.Input((4, 3), name="x")
    cells = [l.LSTMCell(2, name="lstm_cell"), l.GRUCell(3, name="gru_cell")]
    h = l.Bidirectional(
        l.RNN(cells, return_sequences=True, name="stack"), name="both_cells"
    )(x)
    h = l.TimeDistributed(l.BatchNormalization(name="norm"), name="each_norm")(h)
    h = l.Bidirectional(
        l.LSTM(2, return_sequences=True, name="forth"),
        backward_layer=l.LSTM(
            2, return_sequences=True, go_backwards=True, name="back"
        ),
        merge_mode="sum",
        name="two_lstms",
    )(h)
    h = l.SpectralNormalization(l.Conv1D(3, 2, name="conv"), name="spectral")(h)
    h = l.MultiHeadAttention(2, 2, name="attention")(h, h)
    h = l.TimeDistributed(bodies, name="each_body")(h)
    return k.Model(x, h, name="composites")


def frozen(k):
    l = k.layers
    inner = l.Dense(3, name="inner")
    inner.trainable = False
    norm = l.BatchNormalization(name="norm")
    x = k.Input((4, 3), name="x")
    h = l.TimeDistributed(l.Dense(3), trainable=False, name="whole")(x)
    h = l.TimeDistributed(inner, name="part")(h)
    h = l.Bidirectional(
        l.LSTM(2, return_sequences=True), trainable=False, name="both"
    )(h)
    h = l.Bidirectional(
        l.GRU(2, return_sequences=True, trainable=False), name="inner_both"
    )(h)
    h = l.TimeDistributed(norm, name="each_norm")(h)
    h = l.RNN([l.LSTMCell(2, trainable=False), l.GRUCell(2)], name="cells")(h)
    body = k.Sequential([k.Input((2,)), l.Dense(2), l.Dense(1)], name="body")
    body.trainable = False
    return k.Model(x, l.Dense(1)(body(h)), name="frozen")


def write(folder, stem, model):
    for weight in model.weights:
        value = random.uniform(0.2, 0.9, weight.shape).astype("float32")
        if weight.dtype in ("float32", np.dtype("float32")):
            weight.assign(value)
    model.save(folder / f"{stem}.h5")
    np.savez(
        folder / f"{stem}.npz",
        x=X,
        y=model.predict(X, verbose=0),
        trainable=np.int64(len(model.trainable_weights)),
        fixed=np.int64(len(model.non_trainable_weights)),
    )


def write_huge(path):
    with h5py.File(path, "w") as file:
        file.attrs["layer_names"] = [b"a", b"b"]
        file.attrs["keras_version"] = b"2.3.1"
        file.attrs["backend"] = b"tensorflow"
        for name, units in (("a", 5), ("b", 2)):
            group = file.create_group(name)
            group.attrs["weight_names"] = [b"k", b"z"]
            chunks = (1000, 1000) if name == "b" else None
            group.create_dataset("k", (100_000, 100_000), "f4", chunks=chunks)
            group.create_dataset("z", data=np.zeros(units, "f4"))


if __name__ == "__main__":
    out = pathlib.Path(sys.argv[1])
    write(out, "composites_tf_keras", composites(tf_keras))
    write(out, "composites_keras3", composites(keras))
    write(out, "frozen_tf_keras", frozen(tf_keras))
    write_huge(out / "huge_shapes.h5")
