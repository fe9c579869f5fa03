"""Writes tests/ir/op_cases.hpp: what NumPy and Keras compute for some ops.

    python tests/data/make_op_cases.py > tests/ir/op_cases.hpp

Operands are pattern(shape, seed), here and in the tests.
"""

import os

os.environ["TF_CPP_MIN_LOG_LEVEL"] = "3"
os.environ["KERAS_BACKEND"] = "tensorflow"

import keras
import numpy as np
import tensorflow as tf

keras.backend.set_floatx("float64")
cases = {}


def pattern(shape, seed):
    i = np.arange(np.prod(shape, dtype=int), dtype=np.int64)
    return (((i * 37 + seed * 5) % 101 - 50) / 16.0).reshape(shape)


def put(name, value):
    assert name not in cases, name
    cases[name] = np.asarray(value, dtype=np.float64)


def put_gradients(name, f, operands):
    """f's value, and the gradients of sum(f * pattern(..., 9))."""
    xs = [tf.constant(x) for x in operands]
    with tf.GradientTape() as tape:
        for x in xs:
            tape.watch(x)
        y = f(*xs)
        loss = tf.reduce_sum(y * pattern(y.shape, 9))
    put(name, y)
    for i, grad in enumerate(tape.gradient(loss, xs)):
        put(f"{name} / d{i}", grad)


for equation, *shapes in [
    ("ab,bc->ac", (2, 3), (3, 4)),
    ("ab,bc->ca", (2, 3), (3, 4)),
    ("ab,cb", (2, 3), (4, 3)),
    ("ba", (2, 3)),
    ("...x,xy->...y", (2, 2, 3), (3, 2)),
    ("...ab,...bc->...ac", (2, 1, 2, 3), (3, 3, 2)),
    ("bthd,bshd->bhts", (2, 2, 2, 3), (2, 3, 2, 3)),
    ("bhts,bshd->bthd", (2, 2, 2, 3), (2, 3, 2, 2)),
    ("ba,bc->ac", (3, 2), (3, 4)),
    ("a,b->ab", (2,), (3,)),
    ("a,a->", (4,), (4,)),
    ("ab,ab->ab", (2, 3), (2, 3)),
    ("abc,ad->d", (2, 3, 2), (2, 4)),
    ("ii->i", (3, 3)),
    ("ii", (3, 3)),
    ("iji->j", (2, 3, 2)),
    ("abc->cab", (2, 3, 4)),
    ("a...->...", (2, 3)),
    ("ab,b...->a...", (2, 3), (3, 2, 2)),
]:
    operands = [pattern(s, i + 1) for i, s in enumerate(shapes)]
    put("einsum " + equation, np.einsum(equation, *operands))

put(
    "tensordot",
    np.tensordot(
        pattern((2, 3, 4), 1), pattern((4, 2, 5), 2), axes=[[2, 0], [0, 1]]
    ),
)
put("matmul vectors", np.matmul(pattern((3,), 1), pattern((3,), 2)))
put("matmul row", np.matmul(pattern((3,), 1), pattern((2, 3, 4), 2)))
put("matmul column", np.matmul(pattern((2, 3, 4), 1), pattern((4,), 2)))
put(
    "matmul broadcast",
    np.matmul(pattern((2, 1, 2, 3), 1), pattern((3, 3, 2), 2)),
)

for name, x, w, strides, padding, dilation in [
    ("1d valid", (2, 6, 2), (3, 2, 3), 1, "valid", 1),
    ("1d same stride 2", (1, 6, 2), (3, 2, 2), 2, "same", 1),
    ("2d valid stride", (1, 6, 5, 2), (3, 2, 2, 3), (2, 1), "valid", 1),
    ("2d same even kernel", (2, 4, 5, 1), (2, 4, 1, 2), 1, "same", 1),
    ("2d same stride 2", (1, 5, 4, 2), (3, 3, 2, 2), 2, "same", 1),
    ("2d same dilation", (1, 5, 6, 1), (3, 2, 1, 2), 1, "same", 2),
    ("2d groups", (1, 4, 4, 4), (3, 3, 2, 4), 1, "same", 1),
    ("3d same", (1, 3, 2, 3, 2), (2, 2, 2, 2, 2), (2, 1, 1), "same", 1),
]:
    # TensorFlow's gradient of a grouped convolution has no CPU kernel, so the
    # groups are spelt out.
    def conv(a, b):
        groups = a.shape[-1] // b.shape[-2]
        pairs = zip(
            tf.split(a, groups, axis=-1), tf.split(b, groups, axis=-1)
        )
        return tf.concat(
            [
                keras.ops.conv(
                    p,
                    q,
                    strides=strides,
                    padding=padding,
                    dilation_rate=dilation,
                    data_format="channels_last",
                )
                for p, q in pairs
            ],
            axis=-1,
        )

    put_gradients("conv " + name, conv, [pattern(x, 1), pattern(w, 2)])

put(
    "conv causal",
    keras.layers.Conv1D(
        2,
        2,
        padding="causal",
        dilation_rate=2,
        use_bias=False,
        kernel_initializer=lambda s, dtype=None: pattern(s, 2),
    )(pattern((1, 6, 2), 1)),
)

for name, x, size, strides, padding in [
    ("1d", (2, 6, 2), 3, 2, "valid"),
    ("2d", (1, 4, 6, 2), (2, 3), (2, 3), "valid"),
    ("2d same", (1, 5, 4, 1), (3, 2), (2, 2), "same"),
    ("2d overlapping", (1, 4, 5, 1), (3, 3), (1, 2), "same"),
    ("3d", (1, 4, 2, 3, 1), (2, 2, 2), (2, 2, 1), "valid"),
]:
    for op in ("max_pool", "average_pool"):
        def pool(a):
            return getattr(keras.ops, op)(
                a, size, strides, padding, data_format="channels_last"
            )

        # TensorFlow pools 3-D tensors in 32 bits only; these are exact there.
        put_gradients(
            f"{op} {name}",
            lambda a: tf.cast(pool(tf.cast(a, tf.float32)), tf.float64),
            [pattern(x, 3)],
        )

x = pattern((2, 3, 4), 1)
labels = np.abs(pattern((2, 3, 4), 2))
classes = np.array([[0, 3, 1], [2, 2, 0]])
put_gradients("softmax last", lambda a: keras.ops.softmax(a, -1), [x])
put_gradients("softmax middle", lambda a: keras.ops.softmax(a, 1), [x])
put_gradients("log_softmax first", lambda a: keras.ops.log_softmax(a, 0), [x])
put(
    "softmax_cross_entropy",
    tf.nn.softmax_cross_entropy_with_logits(labels, x),
)
put_gradients(
    "sparse_softmax_cross_entropy",
    lambda a: tf.nn.sparse_softmax_cross_entropy_with_logits(classes, a),
    [x],
)

gamma, beta = pattern((4,), 2), pattern((4,), 3)


def batch_norm(a, g, b):
    mean, variance = keras.ops.moments(a, axes=[0, 1])
    return keras.ops.batch_normalization(
        a, mean, variance, -1, offset=b, scale=g, epsilon=1e-3
    )


mean, variance = keras.ops.moments(x, axes=[0, 1])
put_gradients("batch_norm training", batch_norm, [x, gamma, beta])
put("batch_norm mean", mean)
put("batch_norm variance", variance)
put_gradients(
    "batch_norm inference",
    lambda a, g, b, m, v: keras.ops.batch_normalization(
        a, m, v, -1, offset=b, scale=g, epsilon=1e-3
    ),
    [x, gamma, beta, pattern((4,), 4), np.abs(pattern((4,), 5))],
)
put_gradients(
    "layer_norm",
    lambda a, g, b: keras.ops.layer_normalization(
        a, gamma=g, beta=b, axis=-1, epsilon=1e-3
    ),
    [x, gamma, beta],
)

print(
    """// Written by tests/data/make_op_cases.py; not to be edited.
#pragma once

#include <map>
#include <string>
#include <vector>

#include <keratin/tensor.hpp>

namespace keratin::testing {

// clang-format off
inline const std::map<std::string, Tensor>& op_cases() {
  using Numbers = std::vector<double>;
  static const std::map<std::string, Tensor> cases = {"""
)
for name, value in cases.items():
    shape = ", ".join(str(d) for d in value.shape)
    numbers = [repr(float(v)) for v in value.ravel()]
    numbers = [n[:-2] if n.endswith(".0") else n for n in numbers]
    lines, line = [], ""
    for number in numbers:
        if len(line) + len(number) > 76:
            lines.append(line.rstrip())
            line = ""
        line += number + ", "
    lines.append(line.rstrip(", "))
    print(f'    {{"{name}", Tensor(Numbers{{')
    print("\n".join("        " + text for text in lines) + f"}}, Shape{{{shape}}})}},")
print(
    """  };
  return cases;
}
// clang-format on

}  // namespace keratin::testing"""
)
