"""Writes tests/data/optimizers/wrappers.json: steps of optimizers around others
and of ScheduleFreeAdamW, as real Keras takes them.

usage: python make_optimizer_cases.py OUT.json     (needs keras, tensorflow-cpu)

Per case: "optimizer", its serialized form; "weights", path -> first value;
"steps", the gradient of each weight per step, before any scaling of the loss is
undone ("inf" where it overflowed); "after", every weight after each step; and
"variables", the optimizer's after the last.
"""
import json
import os
import sys

os.environ["TF_CPP_MIN_LOG_LEVEL"] = "3"
import keras
import numpy as np
import tensorflow as tf

O = keras.optimizers
PATHS = {"encoder/dense/kernel": (2, 2), "head/dense/kernel": (2, 1), "head/dense/bias": (1,)}


def numbers(value):
    return [float(x) if np.isfinite(x) else "inf" for x in np.ravel(value)]


def case(name, optimizer, scaled=False, overflow=()):
    rng = np.random.default_rng(len(name))
    weights = []
    for path, shape in PATHS.items():
        variable = keras.Variable(rng.normal(size=shape).astype("float32"), name=path.rsplit("/", 1)[1])
        variable._path = path
        weights.append(variable)
    out = {"name": name, "weights": {v.path: numbers(v.numpy()) for v in weights},
           "shapes": {p: list(s) for p, s in PATHS.items()}, "steps": [], "after": []}
    optimizer.build(weights)
    for step in range(6):
        gradients = [rng.normal(size=w.shape).astype("float32") for w in weights]
        if step in overflow:
            gradients[1][0] = np.inf
        scale = float(optimizer.scale_loss(tf.constant(1.0))) if scaled else 1.0
        optimizer.apply([tf.constant(g * np.float32(scale)) for g in gradients], weights)
        out["steps"].append([numbers(g) for g in gradients])
        out["after"].append([numbers(w.numpy()) for w in weights])
    out["optimizer"] = keras.saving.serialize_keras_object(optimizer)
    out["variables"] = [numbers(v.numpy()) for v in optimizer.variables]
    return out


multi = O.OptimizerMap(O.SGD(0.1, momentum=0.5))
multi["encoder/.*"] = O.Adam(0.05)
cases = [
    case("loss_scale", O.LossScaleOptimizer(O.Adam(0.05), initial_scale=64.0, dynamic_growth_steps=2), True, (1, 2)),
    case("multi", O.MultiOptimizer(multi)),
    case("multi_scaled", O.MultiOptimizer(O.OptimizerMap(O.Adagrad(0.2)), loss_scale_factor=8.0), True),
    case("schedule_free", O.ScheduleFreeAdamW(0.05)),
    case("schedule_free_warm", O.ScheduleFreeAdamW(0.05, warmup_steps=4, weight_decay=0.02)),
]
with open(sys.argv[1], "w") as out:
    json.dump(cases, out, indent=1)
    out.write("\n")
