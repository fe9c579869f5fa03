#!/usr/bin/env python3
"""Writes tests/data/legacy/tf_operations.json: models of Keras 2 that call
TensorFlow's functions, as tf.keras saves them, with what they compute.

Run with tf_keras on TensorFlow:  make_tf_operation_cases.py OUT.json

Each function is written twice: as tf.keras since 2.4 does (TFOpLambda), and as
2.0 to 2.3 did, by the node of TensorFlow's graph (TensorFlowOpLayer).
"""

import inspect
import json
import os
import subprocess
import sys

os.environ["TF_CPP_MIN_LOG_LEVEL"] = "3"

import numpy as np
import tensorflow as tf

GRAPH = "--graph" in sys.argv
if GRAPH:
    tf.compat.v1.disable_v2_behavior()

import tf_keras as keras

random = np.random.RandomState(3)
ARRAYS = {
    "a": random.uniform(-1.5, 1.5, (2, 3, 4)),
    "b": random.uniform(-1.5, 1.5, (2, 5, 4)),
    "c": random.uniform(0.25, 2, (2, 3, 4)),
    "p": random.uniform(-1, 1, (2, 4, 4, 2)),
}
KERNEL = random.uniform(-1, 1, (2, 2, 2, 3)).astype("float32")
old = tf.compat.v1

CASES = {
    "matmul_transposed": lambda a, b: tf.matmul(a, b, transpose_b=True),
    "matmul_both": lambda a, b: tf.matmul(
        tf.matmul(a, b, transpose_b=True), a, transpose_a=True
    ),
    "matmul_plain": lambda a, b: tf.matmul(a, tf.transpose(b, [0, 2, 1])),
    "l2_normalize": lambda a: tf.nn.l2_normalize(a, axis=-1),
    "l2_normalize_epsilon": lambda a: tf.math.l2_normalize(
        a, axis=[1, 2], epsilon=1.0
    ),
    "one_hot": lambda c: tf.one_hot(tf.cast(c * 2, "int32"), 4),
    "one_hot_axis": lambda a: tf.one_hot(tf.argmax(a, axis=2), 4, axis=1),
    "einsum": lambda a, b: tf.einsum("bij,bkj->bik", a, b),
    "pad": lambda a: tf.pad(
        a, [[0, 0], [1, 2], [0, 1]], constant_values=0.5
    ),
    "pad_zeros": lambda p: tf.pad(p, [[0, 0], [1, 0], [2, 1], [0, 0]]),
    "pad_mirrored": lambda a: tf.pad(a, [[0, 0], [2, 1], [1, 3]], mode="REFLECT")
    + tf.pad(a, [[0, 0], [3, 0], [0, 4]], mode="SYMMETRIC"),
    "gather": lambda a: tf.gather(a, [2, 0, 1, 2], axis=2),
    "gather_by_layer": lambda c: tf.gather(
        tf.constant([0.5, -1.0, 2.0, 4.0, 8.0]), tf.cast(c * 2, "int32")
    ),
    "split": lambda a: tf.split(a, 2, axis=2)[1],
    "split_sizes": lambda a: tf.split(a, [1, 2], axis=1)[1],
    "split_rest": lambda a: tf.split(a, [1, -1], axis=1)[1],
    "where": lambda a, c: tf.where(a > 0.0, a, c),
    "where_constant": lambda a: tf.where(a > 0.25, a, 0.0),
    "select": lambda a, c: old.where(a < c, a, c),
    "squared_difference": lambda a, c: tf.math.squared_difference(a, c),
    "leaky_relu": lambda a, c: tf.nn.leaky_relu(a, alpha=0.1)
    + tf.nn.leaky_relu(-c),
    "activations": lambda a: tf.nn.relu6(a)
    + tf.nn.elu(a)
    + tf.nn.selu(a)
    + tf.nn.softplus(a)
    + tf.nn.softsign(a)
    + tf.nn.softmax(a)
    + tf.nn.log_softmax(a)
    + tf.sigmoid(a),
    "newer_activations": lambda a: tf.nn.silu(a)
    + tf.nn.gelu(a)
    + tf.nn.gelu(a, approximate=True),
    "unary": lambda a, c: tf.exp(a)
    + tf.math.log(c)
    + tf.sqrt(c)
    + tf.math.rsqrt(c)
    + tf.square(a)
    + tf.abs(a)
    + tf.sign(a)
    + tf.floor(a)
    + tf.round(a)
    + tf.math.ceil(a)
    + tf.math.reciprocal(c)
    + tf.math.erf(a)
    + tf.math.log1p(c)
    + tf.math.expm1(a),
    "trigonometry": lambda a, c: tf.sin(a)
    + tf.cos(a)
    + tf.tan(a)
    + tf.atan(a)
    + tf.tanh(a)
    + tf.sinh(a)
    + tf.cosh(a)
    + tf.math.asinh(a)
    + tf.math.atan2(a, c)
    + tf.asin(a / 2)
    + tf.acos(a / 2),
    "arithmetic": lambda a, c: (1.0 - a) / c
    + a % 0.75
    + c**2.0
    + tf.maximum(a, c)
    - tf.minimum(a, 0.5)
    + tf.math.divide_no_nan(a, c),
    "floor_division": lambda a: a // 0.5,
    "comparisons": lambda a, c: tf.cast(
        tf.logical_or(
            tf.logical_and(a > 0.0, a < 1.0),
            tf.logical_not(tf.greater_equal(a, -1.0)),
        ),
        "float32",
    )
    + tf.cast(tf.not_equal(a, c), "float32")
    + tf.cast(tf.math.is_nan(a), "float32"),
    "reductions": lambda a: tf.reduce_sum(a, axis=-1)
    + tf.reduce_mean(a, axis=2)
    + tf.reduce_max(a, axis=[2])
    + tf.reduce_min(a, axis=2)
    + tf.reduce_prod(a, axis=2),
    "reductions_kept": lambda p: tf.reduce_mean(
        p, axis=[1, 2], keepdims=True
    ),
    "logsumexp": lambda a: tf.reduce_logsumexp(a, axis=1),
    "norm": lambda a: tf.norm(a, axis=-1),
    "cumsum": lambda a: tf.cumsum(a, axis=1),
    "concat": lambda a, b: tf.concat([a, b], axis=1),
    "stack": lambda a, c: tf.stack([a, c], axis=2),
    "unstack": lambda a: tf.unstack(a, axis=1)[2],
    "add_n": lambda a, c: tf.add_n([a, c, a]),
    "bias_add": lambda a: tf.nn.bias_add(a, [1.0, 2.0, 3.0, 4.0]),
    "reshape": lambda a: tf.reshape(a, [-1, 2, 6]),
    "expand_squeeze": lambda a: tf.squeeze(
        tf.expand_dims(a, axis=1), axis=[1]
    ),
    "tile": lambda a: tf.tile(a, [1, 2, 1]),
    "reverse": lambda a: tf.reverse(a, axis=[1]),
    "roll": lambda a: tf.roll(a, shift=1, axis=2),
    "slice": lambda a: tf.slice(a, [0, 1, 0], [-1, 2, 3]),
    "indexing": lambda a: a[:, 1:, ::2],
    "index_and_axis": lambda a: a[:, tf.newaxis, -1],
    "top_k": lambda a: tf.math.top_k(a, k=2)[0],
    "clip": lambda a: tf.clip_by_value(a, -0.5, 0.75),
    "max_pool": lambda p: tf.nn.max_pool2d(p, 2, 2, "VALID"),
    "avg_pool": lambda p: tf.nn.avg_pool2d(p, 3, [1, 2], "SAME"),
    "conv": lambda p: tf.nn.conv2d(p, KERNEL, [1, 2, 2, 1], "SAME"),
    "lrn": lambda p: tf.nn.local_response_normalization(
        p, depth_radius=1, bias=2.0, alpha=0.5, beta=0.75
    ),
    "resize": lambda p: tf.image.resize(p, [6, 3]),
    "resize_nearest": lambda p: tf.image.resize(
        p, [8, 8], method="nearest"
    ),
    "depth_to_space": lambda a: tf.nn.depth_to_space(
        tf.reshape(a, [-1, 3, 1, 4]), 2
    ),
    "space_to_depth": lambda p: tf.nn.space_to_depth(p, 2),
    "flip": lambda p: tf.image.flip_left_right(p),
    "tensordot": lambda a: tf.tensordot(
        a, [[1.0, 2.0], [0.5, 0.0], [-1.0, 1.0], [0.0, 3.0]], axes=[[2], [0]]
    ),
}


def numbers(x):
    x = np.asarray(x)
    return {"shape": x.shape, "values": [float(f"{v:.7g}") for v in x.ravel()]}


def case(name):
    keras.backend.clear_session()
    function = CASES[name]
    names = inspect.signature(function).parameters
    xs = [keras.Input(ARRAYS[n].shape[1:], name=n) for n in names]
    model = keras.Model(xs, function(*xs))
    y = model.predict([ARRAYS[n].astype("float32") for n in names], verbose=0)
    form = "nodes" if GRAPH else "functions"
    return {
        "name": f"{name}, {form}",
        "model": json.loads(model.to_json()),
        "output": numbers(y),
    }


# In graphs the first two read the shape of the batch, and gelu is younger.
# tf.keras 2.4 and later write einsum without its operands.
NOT_IN_GRAPHS = {"logsumexp", "tensordot", "newer_activations"}
LEFT_OUT = NOT_IN_GRAPHS if GRAPH else {"einsum"}

if __name__ == "__main__":
    out = [case(name) for name in CASES if name not in LEFT_OUT]
    if GRAPH:
        print(json.dumps(out))
    else:
        graph = subprocess.run(
            [sys.executable, __file__, "--graph"], check=True, capture_output=True
        )
        out += json.loads(graph.stdout.splitlines()[-1])
        inputs = {n: numbers(x.astype("float32")) for n, x in ARRAYS.items()}
        with open(sys.argv[1], "w") as file:
            json.dump({"inputs": inputs, "cases": out}, file)
            file.write("\n")
