"""The workloads in Keras 3 (KERAS_BACKEND=tensorflow or jax): one JSON line like that of `keratin bench --json`.

usage: python keras_bench.py WORKLOAD [--rounds N] [--steps N] [--batch N]
       python keras_bench.py WORKLOAD --write FOLDER     weights, one batch and its first loss, without dropout
"""
import argparse
import json
import os
import pathlib
import resource
import statistics
import time

start = time.perf_counter()
os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")
import keras
import numpy as np
from keras import layers

arguments = argparse.ArgumentParser()
arguments.add_argument("workload")
arguments.add_argument("--rounds", type=int, default=5)
arguments.add_argument("--steps", type=int)
arguments.add_argument("--batch", type=int)
arguments.add_argument("--write")
a = arguments.parse_args()
rng = np.random.default_rng(0)
dropout = a.write is None


def drop(rate):
    return layers.Dropout(rate if dropout else 0.0)


def mlp():
    return keras.Sequential([keras.Input((784,)), layers.Dense(512, "relu"), drop(0.2), layers.Dense(10, "softmax")])


def mnist_cnn():
    return keras.Sequential([
        keras.Input((28, 28, 1)), layers.Conv2D(32, 3, activation="relu"), layers.MaxPooling2D(),
        layers.Conv2D(64, 3, activation="relu"), layers.MaxPooling2D(), layers.Flatten(), drop(0.5),
        layers.Dense(10, "softmax")])


def resnet20():
    def conv_norm(x, filters, stride):
        return layers.BatchNormalization()(layers.Conv2D(filters, 3, strides=stride, padding="same")(x))

    picture = keras.Input((32, 32, 3))
    x = layers.Activation("relu")(conv_norm(picture, 16, 1))
    for filters in (16, 32, 64):
        for block in range(3):
            stride = 2 if filters > 16 and block == 0 else 1
            y = layers.Activation("relu")(conv_norm(x, filters, stride))
            y = conv_norm(y, filters, 1)
            if stride == 2:
                x = layers.Conv2D(filters, 1, strides=2, padding="same")(x)
            x = layers.Activation("relu")(layers.Add()([x, y]))
    x = layers.GlobalAveragePooling2D()(x)
    return keras.Model(picture, layers.Dense(10, "softmax")(x))


def lstm():
    return keras.Sequential([
        keras.Input((80,), dtype="int32"), layers.Embedding(20000, 128), layers.LSTM(128), layers.Dense(1, "sigmoid")])


def transformer():
    words = keras.Input((128,), dtype="int32")
    x = layers.Embedding(20000, 128)(words)
    for _ in range(2):
        y = layers.MultiHeadAttention(4, 32)(x, x)
        x = layers.LayerNormalization(epsilon=1e-6)(x + drop(0.1)(y))
        y = layers.Dense(128)(layers.Dense(512, "relu")(x))
        x = layers.LayerNormalization(epsilon=1e-6)(x + drop(0.1)(y))
    x = layers.GlobalAveragePooling1D()(x)
    return keras.Model(words, layers.Dense(2, "softmax")(x))


def application(name):
    return lambda: getattr(keras.applications, name)(weights=None)


# model, batch, steps of a round, shape of a sample, words, classes
WORKLOADS = {
    "mlp": (mlp, 128, 256, (784,), 0, 10),
    "mnist_cnn": (mnist_cnn, 128, 32, (28, 28, 1), 0, 10),
    "resnet20": (resnet20, 128, 8, (32, 32, 3), 0, 10),
    "lstm": (lstm, 32, 32, (80,), 20000, 2),
    "transformer": (transformer, 32, 16, (128,), 20000, 2),
    "mobilenetv2": (application("MobileNetV2"), 16, 4, (224, 224, 3), 0, 1000),
    "resnet50": (application("ResNet50"), 16, 2, (224, 224, 3), 0, 1000),
    "vgg16": (application("VGG16"), 8, 2, (224, 224, 3), 0, 1000),
}
infer = a.workload.startswith("infer_")
name = a.workload.removeprefix("infer_")
build, batch, steps, shape, words, classes = WORKLOADS[name]
batch = a.batch or (1 if infer else batch)
steps = a.steps or steps


def samples(count):
    x = rng.integers(0, words, (count, *shape), dtype="int32") if words else rng.standard_normal((count, *shape), dtype="float32")
    return x, rng.integers(0, classes, count)


model = build()
adam = name in ("mlp", "mnist_cnn", "resnet20", "lstm", "transformer")
model.compile(
    "adam" if adam else keras.optimizers.SGD(0.01, momentum=0.9),
    "binary_crossentropy" if name == "lstm" else "sparse_categorical_crossentropy", metrics=["accuracy"])
x, y = samples(batch)
if a.write:
    folder = pathlib.Path(a.write)
    model.save_weights(folder / f"{name}.weights.h5")
    np.savez(folder / f"{name}.npz", x=x, y=y)
    print(json.dumps({"workload": name, "loss": float(model.train_on_batch(x, y)[0])}))
    raise SystemExit
ms = []
if infer:
    model.predict(x, batch_size=batch, verbose=0)
    first = time.perf_counter() - start
    loss = model.evaluate(x, y, batch_size=batch, verbose=0)[0]
    call = getattr(model, "predict_on_batch")
    call(x)
    for _ in range(a.rounds * 8):
        begin = time.perf_counter()
        call(x)
        ms.append((time.perf_counter() - begin) * 1e3)
else:
    loss = model.fit(x, y, batch_size=batch, verbose=0).history["loss"][0]
    first = time.perf_counter() - start
    x, y = samples(batch * steps)
    for _ in range(a.rounds):
        begin = time.perf_counter()
        model.fit(x, y, batch_size=batch, verbose=0)
        ms.append((time.perf_counter() - begin) * 1e3 / steps)
print(json.dumps({
    "workload": a.workload, "batch": batch, "version": f"Keras {keras.__version__}, {keras.backend.backend()}",
    "first_step_s": round(first, 3), "median_ms": statistics.median(ms), "min_ms": min(ms),
    "peak_mb": resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024, "loss": float(loss)}))
