#!/usr/bin/env python3
"""Writes what the programs of examples/courses must print, by NumPy:
make_course_numbers.py FOLDER (tests/courses/expected)."""

import pathlib
import sys

import numpy as np

FOLDER = pathlib.Path(sys.argv[1])


def write(name, numbers):
    lines = ["%s = %.17g\n" % (key, value) for key, value in numbers]
    (FOLDER / (name + ".txt")).write_text("".join(lines))


def elements(name, array):
    return [("%s[%d]" % (name, i), v) for i, v in enumerate(np.ravel(array))]


def sum_of_products():
    random = np.random.RandomState(0)
    x, y, z = (random.randn(3, 4) for _ in range(3))
    return (
        [("c", np.sum(x * y + z))]
        + elements("dx", y)
        + elements("dy", x)
        + elements("dz", np.ones((3, 4)))
    )


def neuron():
    w0, w1, w2, x0, x1 = 2.0, -3.0, -3.0, -1.0, -2.0
    y = 1 / (1 + np.exp(-(w0 * x0 + w1 * x1 + w2)))
    slope = y * (1 - y)
    return [
        ("y", y),
        ("dw0", slope * x0),
        ("dw1", slope * x1),
        ("dw2", slope),
        ("dx0", slope * w0),
        ("dx1", slope * w1),
    ]


def two_layers(order, outputs, relu, mean, rate, steps, every):
    shapes = {
        "x": (64, 1000),
        "y": (64, outputs),
        "w1": (1000, 100),
        "w2": (100, outputs),
    }
    random = np.random.RandomState(0)
    arrays = {name: random.randn(*shapes[name]) for name in order}
    x, y, w1, w2 = (arrays[name] for name in ("x", "y", "w1", "w2"))
    divisor = 64 if mean else 1
    losses = []
    for step in range(steps):
        pre = x @ w1
        hidden = np.maximum(pre, 0) if relu else pre
        error = hidden @ w2 - y
        loss = np.square(error).sum() / divisor
        if step % every == 0 or step == steps - 1:
            losses.append((step, loss))
        d_out = 2 * error / divisor
        d_w2 = hidden.T @ d_out
        d_hidden = d_out @ w2.T
        if relu:
            d_hidden[pre <= 0] = 0
        w1 = w1 - rate * (x.T @ d_hidden)
        w2 = w2 - rate * d_w2
    return [
        ("%s[%d]" % (way, step), loss)
        for way in ("hand", "autodiff", "sequential")
        for step, loss in losses
    ]


def control_flow():
    x = 0.5
    root, previous, slope = 2.0, 0.0, 1.0
    while abs(root - previous) > 1e-6:
        root, previous, slope = (
            (root + 2 / root) / 2,
            root,
            (slope + 1 / root - 2 / root**2 * slope) / 2,
        )
    return [
        ("cond above", 16),
        ("cond gradient above", 8),
        ("cond below", 1.5),
        ("cond gradient below", 3),
        ("scan", sum(x**k for k in range(1, 6))),
        ("scan gradient", sum(k * x ** (k - 1) for k in range(1, 6))),
        (
            "scan second derivative",
            sum(k * (k - 1) * x ** (k - 2) for k in range(2, 6)),
        ),
        ("while", root),
        ("while gradient", slope),
    ]


def numpy_random():
    """Numbers of RandomState for the test of numpy_random.hpp."""
    random = np.random.RandomState(0)
    numbers = elements("randn", random.randn(6))
    numbers += elements("rand", random.rand(3))
    numbers += elements("odd", random.randn(3))
    draw = random.randn(64, 1000)
    numbers += [("sum", draw.sum()), ("last", draw[-1, -1])]
    other = np.random.RandomState(2**32 - 1)
    return numbers + elements("other", other.randn(4))


write("a_sum_of_products", sum_of_products())
write("b_square", [("y", 9), ("dy", 6), ("ddy", 2)])
write("c_neuron", neuron())
write(
    "d_two_layers_relu",
    two_layers(("x", "w1", "w2", "y"), 1000, True, True, 1e-5, 50, 1),
)
write(
    "e_two_layers_linear",
    two_layers(("x", "y", "w1", "w2"), 1000, False, True, 1e-5, 50, 1),
)
write(
    "f_two_layers_sum",
    two_layers(("x", "y", "w1", "w2"), 10, True, False, 1e-6, 500, 50),
)
write("g_control_flow", control_flow())
write("numpy_random", numpy_random())
