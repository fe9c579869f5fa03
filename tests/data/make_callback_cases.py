"""Writes tests/data/callbacks/keras.json: what Keras's callbacks do.

    KERAS_BACKEND=tensorflow python tests/data/make_callback_cases.py \
        > tests/data/callbacks/keras.json

Needs keras. One model of one weight and one bias, numbers that float32 holds
exactly, no shuffling: what is recorded is the order of calls, the text of
CSVLogger, the names of the files that ModelCheckpoint writes for losses that are
given, and the weights that SwapEMAWeights puts in place.
"""

import contextlib
import io
import json
import os
import sys
import tempfile

os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")

import keras
import numpy as np

X = np.array([[1.0], [-1.0], [2.0], [0.5], [1.0], [-2.0]], "float32")
Y = np.array([[1.0], [0.0], [3.0], [1.0], [2.0], [-1.0]], "float32")


def make_model(optimizer=None, **kwargs):
    model = keras.Sequential([keras.Input((1,)), keras.layers.Dense(1)])
    model.set_weights([np.array([[0.5]], "float32"), np.array([0.25], "float32")])
    model.compile(
        optimizer=optimizer or keras.optimizers.SGD(0.125), loss="mse", **kwargs
    )
    return model


def fit(model, callbacks, epochs=3, **kwargs):
    arguments = {"batch_size": 2, "validation_data": (X[:2], Y[:2])}
    arguments.update(kwargs)
    with contextlib.redirect_stdout(io.StringIO()):
        return model.fit(
            X, Y, epochs=epochs, shuffle=False, verbose=0, callbacks=callbacks,
            **arguments
        ).history


class Recorder(keras.callbacks.Callback):
    def __init__(self):
        super().__init__()
        self.calls = []


def add_hook(name):
    def hook(self, *arguments, **kwargs):
        number = [str(a) for a in arguments if isinstance(a, int)]
        self.calls.append(" ".join([name] + number))

    setattr(Recorder, name, hook)


for part in ["train", "test", "predict"]:
    for event in ["begin", "end"]:
        add_hook(f"on_{part}_{event}")
        add_hook(f"on_{part}_batch_{event}")
for event in ["begin", "end"]:
    add_hook(f"on_epoch_{event}")


def call_order():
    out = {}
    for name, compiled, arguments in [
        ("plain", {}, {}),
        ("without validation", {}, {"validation_data": None}),
        ("validation_freq 2", {}, {"validation_freq": 2}),
    ]:
        recorder = Recorder()
        fit(make_model(**compiled), [recorder], epochs=2, **arguments)
        out[name] = recorder.calls
    recorder = Recorder()
    model = make_model()
    model.evaluate(X, Y, batch_size=4, verbose=0, callbacks=[recorder])
    model.predict(X, batch_size=4, verbose=0, callbacks=[recorder])
    out["evaluate and predict"] = recorder.calls
    return out


def csv_texts(folder):
    out = {}
    for name, arguments, epochs in [
        ("plain", {}, 2),
        ("separator", {"separator": ";"}, 1),
    ]:
        path = os.path.join(folder, "log.csv")
        fit(make_model(), [keras.callbacks.CSVLogger(path, **arguments)], epochs)
        with open(path, newline="") as file:
            out[name] = file.read()
    path = os.path.join(folder, "append.csv")
    for _ in range(2):
        logger = keras.callbacks.CSVLogger(path, append=True)
        fit(make_model(), [logger], 1, validation_data=None)
    with open(path, newline="") as file:
        out["append"] = file.read()
    path = os.path.join(folder, "late.csv")
    logger = keras.callbacks.CSVLogger(path)
    fit(make_model(), [logger], 2, validation_freq=2)
    with open(path, newline="") as file:
        out["validation_freq"] = file.read()
    return out


class GivenLogs(keras.callbacks.Callback):
    """Puts given values into the logs, for callbacks behind it."""

    def __init__(self, values):
        super().__init__()
        self.values = values

    def on_epoch_end(self, epoch, logs=None):
        for name, values in self.values.items():
            logs[name] = values[epoch]


VALUES = {
    "val_loss": [0.5, 0.75, 0.25, 0.25, 0.125],
    "score": [0.5, 0.75, 0.75, 0.25, 1.0],
}

CHECKPOINTS = [
    {"filepath": "{epoch:02d}-{val_loss:.2f}.keras"},
    {"filepath": "w{epoch}.weights.h5", "save_weights_only": True},
    {"filepath": "{epoch}-{val_loss}.keras", "save_best_only": True},
    {
        "filepath": "{epoch:d}-{score:+.3e}.keras",
        "save_best_only": True,
        "monitor": "score",
        "mode": "max",
    },
    {
        "filepath": "{epoch:3d}_{score:6.1%}.keras",
        "save_best_only": True,
        "monitor": "score",
        "mode": "min",
    },
    {
        "filepath": "{epoch}.keras",
        "save_best_only": True,
        "initial_value_threshold": 0.4,
    },
    {"filepath": "best.keras", "save_best_only": True},
    {"filepath": "{{{epoch:>4}}}.keras"},
    {"filepath": "{epoch}-{batch}.keras", "save_freq": 2},
    {"filepath": "{epoch}-{batch:03d}.keras", "save_freq": 4},
    {"filepath": "{epoch}.keras", "save_best_only": True, "monitor": "nothing",
     "mode": "min"},
    {"filepath": "{epoch:.1f}.keras"},
]


def checkpoints(folder):
    out = []
    for number, arguments in enumerate(CHECKPOINTS):
        path = os.path.join(folder, str(number))
        callback = keras.callbacks.ModelCheckpoint(
            **{**arguments, "filepath": os.path.join(path, arguments["filepath"])}
        )
        texts = []
        callback.verbose = 1
        message = keras.src.utils.io_utils.print_msg
        keras.src.utils.io_utils.print_msg = texts.append
        try:
            fit(make_model(), [GivenLogs(VALUES), callback], epochs=5)
        finally:
            keras.src.utils.io_utils.print_msg = message
        out.append(
            {
                "arguments": arguments,
                "files": sorted(os.listdir(path)),
                "said": [text.replace(path + "/", "") for text in texts],
            }
        )
    return out


class Weights(keras.callbacks.Callback):
    """The weights when validation begins and ends and after each epoch."""

    def __init__(self):
        super().__init__()
        self.seen = []

    def see(self):
        self.seen.append(
            [float(v) for w in self.model.get_weights() for v in w.ravel()]
        )

    def on_test_begin(self, logs=None):
        self.see()

    def on_test_end(self, logs=None):
        self.see()

    def on_epoch_end(self, epoch, logs=None):
        self.see()


def averages():
    out = []
    for swap_on_epoch in [False, True]:
        for overwrite in [None, 4]:
            model = make_model(
                keras.optimizers.SGD(
                    0.125, use_ema=True, ema_momentum=0.5,
                    ema_overwrite_frequency=overwrite,
                )
            )
            weights = Weights()
            history = fit(
                model,
                [keras.callbacks.SwapEMAWeights(swap_on_epoch), weights],
                validation_data=(X, Y),
            )
            out.append(
                {
                    "swap_on_epoch": swap_on_epoch,
                    "ema_overwrite_frequency": overwrite,
                    "seen": weights.seen,
                    "val_loss": history["val_loss"],
                    "final": [
                        float(v) for w in model.get_weights() for v in w.ravel()
                    ],
                }
            )
    return out


with tempfile.TemporaryDirectory() as folder:
    json.dump(
        {
            "keras": keras.__version__,
            "x": X.ravel().tolist(),
            "y": Y.ravel().tolist(),
            "order": call_order(),
            "csv": csv_texts(folder),
            "values": VALUES,
            "checkpoints": checkpoints(folder),
            "averages": averages(),
        },
        sys.stdout,
        indent=1,
    )
    print()
