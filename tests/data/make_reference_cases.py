"""Writes tests/data/backends/reference_cases.txt: what NumPy computes.

    python tests/data/make_reference_cases.py > \
        tests/data/backends/reference_cases.txt

Needs numpy and ml_dtypes (for bfloat16). A case is one operation as the IR
prints it:

    case reduce_sum {axes=[0], keepdims=false}
    in f32[2,3] 1.0 2.0 3.0 4.0 5.0 6.0
    out f32[3] 5.0 7.0 9.0

Expectations of floating-point ops are computed in float64 from the operands as
they are rounded to their dtype.
"""

import math
import warnings

import ml_dtypes
import numpy as np

warnings.simplefilter("ignore")

NAMES = {
    "f32": np.float32,
    "f64": np.float64,
    "f16": np.float16,
    "bf16": ml_dtypes.bfloat16,
    "i8": np.int8,
    "i16": np.int16,
    "i32": np.int32,
    "i64": np.int64,
    "u8": np.uint8,
    "u16": np.uint16,
    "u32": np.uint32,
    "u64": np.uint64,
    "bool": np.bool_,
}
FLOATS = ["f32", "f64", "f16", "bf16"]
SIGNED = ["i8", "i16", "i32", "i64"]
UNSIGNED = ["u8", "u16", "u32", "u64"]
INTS = SIGNED + UNSIGNED
NUMERIC = FLOATS + INTS
ALL = NUMERIC + ["bool"]


def name_of(array):
    for name, dtype in NAMES.items():
        if array.dtype == np.dtype(dtype):
            return name
    raise TypeError(array.dtype)


def text_of(array):
    array = np.asarray(array)
    name = name_of(array)
    shape = ",".join(str(d) for d in array.shape)
    flat = array.reshape(-1)
    if name in FLOATS:
        numbers = [str(v) for v in flat]  # the shortest that reads back
    else:
        numbers = [str(int(v)) for v in flat]
    return " ".join([f"{name}[{shape}]"] + numbers)


def attr_text(value):
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, (list, tuple)):
        return "[" + ", ".join(str(v) for v in value) + "]"
    return repr(value) if isinstance(value, float) else str(value)


def case(op, inputs, outputs, **attrs):
    if not isinstance(outputs, (list, tuple)):
        outputs = [outputs]
    text = ", ".join(f"{k}={attr_text(v)}" for k, v in attrs.items())
    print("case", op + (f" {{{text}}}" if text else ""))
    for x in inputs:
        print("in", text_of(x))
    for y in outputs:
        print("out", text_of(y))


def as_f64(x):
    return np.asarray(x, dtype=np.float64)


def to(x, name):
    return np.asarray(x).astype(NAMES[name])


def pattern(shape, seed, low=-2.0, high=2.0):
    n = int(np.prod(shape, dtype=int))
    i = np.arange(n, dtype=np.int64)
    return (low + (high - low) * ((i * 37 + seed * 11) % 41) / 40).reshape(shape)


def integers(shape, seed, name):
    n = int(np.prod(shape, dtype=int))
    i = np.arange(n, dtype=np.int64)
    values = (i * 29 + seed * 7) % 23
    if name in SIGNED:
        values = values - 11
    return to(values.reshape(shape), name)


def numbers(shape, seed, name):
    if name == "bool":
        return pattern(shape, seed) > 0
    return to(pattern(shape, seed), name) if name in FLOATS else integers(
        shape, seed, name)


# -- element-wise, one operand ------------------------------------------------

erf = np.vectorize(math.erf)
UNARY = {  # name: (function in float64, low, high)
    "negative": (np.negative, -3, 3),
    "abs": (np.abs, -3, 3),
    "sign": (np.sign, -3, 3),
    "square": (np.square, -3, 3),
    "relu": (lambda x: np.where(x < 0, 0, x), -3, 3),
    "exp": (np.exp, -4, 4),
    "expm1": (np.expm1, -2, 2),
    "log": (np.log, 0.1, 9),
    "log1p": (np.log1p, -0.5, 5),
    "sqrt": (np.sqrt, 0, 9),
    "rsqrt": (lambda x: 1 / np.sqrt(x), 0.1, 9),
    "reciprocal": (lambda x: 1 / x, 0.25, 4),
    "sin": (np.sin, -4, 4),
    "cos": (np.cos, -4, 4),
    "tan": (np.tan, -1.2, 1.2),
    "arcsin": (np.arcsin, -0.9, 0.9),
    "arccos": (np.arccos, -0.9, 0.9),
    "arctan": (np.arctan, -4, 4),
    "sinh": (np.sinh, -3, 3),
    "cosh": (np.cosh, -3, 3),
    "tanh": (np.tanh, -3, 3),
    "arcsinh": (np.arcsinh, -4, 4),
    "arccosh": (np.arccosh, 1.1, 5),
    "arctanh": (np.arctanh, -0.9, 0.9),
    "erf": (erf, -3, 3),
    "sigmoid": (lambda x: 1 / (1 + np.exp(-x)), -9, 9),
    "softplus": (lambda x: np.logaddexp(x, 0), -9, 9),
    "floor": (np.floor, -3, 3),
    "ceil": (np.ceil, -3, 3),
    "round": (np.round, -3, 3),
}
for op, (f, low, high) in UNARY.items():
    for name in FLOATS:
        x = to(pattern((7,), len(op), low, high), name)
        case(op, [x], to(f(as_f64(x)), name))
for name in FLOATS:
    halves = to([-2.5, -1.5, -0.5, 0.5, 1.5, 2.5], name)
    case("round", [halves], to(np.round(as_f64(halves)), name))
    special = to([np.nan, np.inf, -np.inf, 0.0, -1.0], name)
    case("isnan", [special], np.isnan(as_f64(special)))
    case("isfinite", [special], np.isfinite(as_f64(special)))
    for op, f in {"relu": UNARY["relu"][0], "abs": np.abs,
                  "sign": np.sign, "exp": np.exp, "sigmoid": lambda x: [
                      np.nan, 1, 0, 0.5, 1 / (1 + np.exp(1))],
                  "softplus": lambda x: [
                      np.nan, np.inf, 0, np.log(2), np.log1p(np.exp(-1))]}.items():
        case(op, [special], to(f(as_f64(special)), name))
    case("stop_gradient", [special], special)
for name in INTS:
    x = integers((5,), 3, name)
    case("negative", [x], -x)
    case("abs", [x], np.abs(x))
    case("sign", [x], np.sign(x))
    case("square", [x], x * x)
    case("relu", [x], np.maximum(x, NAMES[name](0)))
    case("bitwise_not", [x], ~x)
    case("stop_gradient", [x], x)
    lowest = np.array([np.iinfo(NAMES[name]).min, np.iinfo(NAMES[name]).max],
                      NAMES[name])
    case("negative", [lowest], -lowest)
    case("abs", [lowest], np.abs(lowest))
    case("square", [lowest], lowest * lowest)
flags = np.array([True, False])
case("logical_not", [flags], ~flags)
case("bitwise_not", [flags], ~flags)
for source in ALL:
    x = numbers((2, 3), 1, source)
    for target in ALL:
        if target in UNSIGNED and source in FLOATS:
            x_used = to(np.abs(as_f64(x)), source)
        else:
            x_used = x
        # bfloat16 goes through float32, as every conversion of it does.
        wide = x_used.astype(np.float32) if source == "bf16" else x_used
        case("cast", [x_used], to(wide, target), dtype=target)

# -- element-wise, two operands -----------------------------------------------

SHAPES = [((2, 3), (2, 3)), ((2, 3), ()), ((), (3,)), ((2, 1, 3), (4, 1)),
          ((3, 1), (1, 5)), ((1, 2, 2), (3, 1, 1)), ((0, 2), (1, 2))]
ARITHMETIC = {
    "add": np.add,
    "subtract": np.subtract,
    "multiply": np.multiply,
    "maximum": np.maximum,
    "minimum": np.minimum,
}
COMPARISONS = {
    "equal": np.equal,
    "not_equal": np.not_equal,
    "less": np.less,
    "less_equal": np.less_equal,
    "greater": np.greater,
    "greater_equal": np.greater_equal,
}
DIVISIONS = {"mod": np.mod, "floor_divide": np.floor_divide}


def nonzero(x):
    return np.where(x == 0, np.ones_like(x), x)


for name in NUMERIC:
    for index, (sa, sb) in enumerate(SHAPES):
        if name not in ("f32", "i32") and index not in (0, 3):
            continue
        a, b = numbers(sa, 2, name), numbers(sb, 5, name)
        for op, f in ARITHMETIC.items():
            y = f(as_f64(a), as_f64(b)) if name in FLOATS else f(a, b)
            case(op, [a, b], to(y, name))
        divisor = nonzero(b)
        if name in FLOATS:
            case("divide", [a, divisor], to(as_f64(a) / as_f64(divisor), name))
            # Quarters, so that quotients are exact where they matter.
            q, d = to(np.round(as_f64(a) * 4), name), to([0.75], name)
            for op, f in DIVISIONS.items():
                case(op, [q, d], to(f(as_f64(q), as_f64(d)), name))
                case(op, [q, -d], to(f(as_f64(q), -as_f64(d)), name))
            case("arctan2", [a, b],
                 to(np.arctan2(as_f64(a), as_f64(b)), name))
            base = to(np.abs(as_f64(a)) + 0.5, name)
            case("power", [base, b], to(as_f64(base) ** as_f64(b), name))
        else:
            case("divide", [a, divisor], np.floor_divide(a, divisor))
            for op, f in DIVISIONS.items():
                case(op, [a, divisor], f(a, divisor))
        for op, f in COMPARISONS.items():
            case(op, [a, b], f(a, b))
for name in INTS:
    a = integers((6,), 1, name)
    exponent = to([0, 1, 2, 3, 5, 7], name)
    case("power", [a, exponent], a ** exponent)
    case("divide", [a, to(0, name)], to(np.zeros(6), name))
    case("mod", [a, to(0, name)], to(np.zeros(6), name))
    b = integers((6,), 4, name)
    case("bitwise_and", [a, b], a & b)
    case("bitwise_or", [a, b], a | b)
    case("bitwise_xor", [a, b], a ^ b)
    shift = to([0, 1, 2, 3, 7, 120], name)
    case("left_shift", [a, shift], np.left_shift(a, shift))
    case("right_shift", [a, shift], np.right_shift(a, shift))
    top = np.array([np.iinfo(NAMES[name]).max], NAMES[name])
    case("add", [top, top], top + top)
    case("multiply", [top, top], top * top)
for name in SIGNED:
    lowest = np.array([np.iinfo(NAMES[name]).min], NAMES[name])
    case("divide", [lowest, to([-1], name)], lowest)
    case("mod", [lowest, to([-1], name)], to([0], name))
    case("power", [to([1, -1, -1, 2], name), to([-3, -3, -2, -1], name)],
         to([1, -1, 1, 0], name))
for name in FLOATS:
    a = to([np.nan, 1, np.nan, np.inf, -np.inf, 0], name)
    b = to([1, np.nan, np.nan, 1, 1, 0], name)
    for op, f in (ARITHMETIC | COMPARISONS).items():
        y = f(as_f64(a), as_f64(b))
        case(op, [a, b], y if op in COMPARISONS else to(y, name))
    case("divide", [a, to(0, name)], to(as_f64(a) / 0.0, name))
a, b = flags[:, None], flags[None, :]
for op, f in {"logical_and": np.logical_and, "logical_or": np.logical_or,
              "logical_xor": np.logical_xor, "bitwise_and": np.bitwise_and,
              "bitwise_or": np.bitwise_or, "bitwise_xor": np.bitwise_xor,
              **COMPARISONS}.items():
    case(op, [a, b], f(a, b))
for name in ALL:
    c = pattern((2, 1), 3) > 0
    a, b = numbers((2, 3), 2, name), numbers((3,), 5, name)
    case("select", [c, a, b], np.where(c, a, b))
    case("select", [np.array(True), a, b], np.where(True, a, b))

# -- reductions ---------------------------------------------------------------

REDUCTIONS = {
    "reduce_sum": np.sum,
    "reduce_mean": np.mean,
    "reduce_max": np.max,
    "reduce_min": np.min,
    "reduce_prod": np.prod,
}
for name in NUMERIC:
    shape = (2, 3, 5)
    x = numbers(shape, 4, name)
    for op, f in REDUCTIONS.items():
        if op == "reduce_mean" and name not in FLOATS:
            continue
        for axes in ([0], [1], [2], [0, 2], [1, 2], [0, 1, 2], []):
            if name not in ("f32", "i32") and axes not in ([1], [0, 2]):
                continue
            for keepdims in (False, True):
                if name in FLOATS:
                    y = f(as_f64(x), axis=tuple(axes), keepdims=keepdims)
                elif op in ("reduce_sum", "reduce_prod"):
                    y = f(x, axis=tuple(axes), keepdims=keepdims,
                          dtype=NAMES[name])
                else:
                    y = f(x, axis=tuple(axes), keepdims=keepdims)
                case(op, [x], to(y, name), axes=axes, keepdims=keepdims)
    for axis in range(3):
        case("argmax", [x], np.argmax(x, axis).astype(np.int32), axis=axis,
             keepdims=False)
        case("argmin", [x], np.argmin(x, axis, keepdims=True).astype(np.int32),
             axis=axis, keepdims=True)
for name in FLOATS:
    x = to([[1, np.nan, 3], [np.nan, 2, np.nan], [4, 4, 1]], name)
    for op in ("reduce_sum", "reduce_max", "reduce_min"):
        case(op, [x], to(REDUCTIONS[op](as_f64(x), axis=1), name), axes=[1],
             keepdims=False)
    case("argmax", [x], np.argmax(as_f64(x), 1).astype(np.int32), axis=1,
         keepdims=False)
    case("reduce_sum", [to(np.zeros((0, 2)), name)], to([0, 0], name),
         axes=[0], keepdims=False)
    wide = to(pattern((3, 130), 6), name)
    case("reduce_sum", [wide], to(as_f64(wide).sum(0), name), axes=[0],
         keepdims=False)
x = pattern((2, 4), 3) > 0
for axes in ([0], [1], [0, 1]):
    case("reduce_any", [x], np.any(x, tuple(axes)), axes=axes, keepdims=False)
    case("reduce_all", [x], np.all(x, tuple(axes)), axes=axes, keepdims=False)

# -- products -----------------------------------------------------------------

for name in NUMERIC:
    for ta in (False, True):
        for tb in (False, True):
            for ba, bb in (((), ()), ((2,), ()), ((2, 1), (3,))):
                if name not in ("f32", "f64") and (ba or ta != tb):
                    continue
                a = numbers(ba + ((7, 3) if ta else (3, 7)), 2, name)
                b = numbers(bb + ((5, 7) if tb else (7, 5)), 5, name)
                u = np.swapaxes(a, -1, -2) if ta else a
                v = np.swapaxes(b, -1, -2) if tb else b
                if name in FLOATS:
                    y = as_f64(u) @ as_f64(v)
                else:
                    y = u @ v
                case("matmul", [a, b], to(y, name), transpose_a=ta,
                     transpose_b=tb)
case("matmul", [np.zeros((2, 0), np.float32), np.zeros((0, 3), np.float32)],
     np.zeros((2, 3), np.float32), transpose_a=False, transpose_b=False)

# -- shape --------------------------------------------------------------------

for name in ALL:
    x = numbers((2, 3, 4), 1, name)
    case("reshape", [x], x.reshape(4, 6), shape=[4, 6])
    case("transpose", [x], x.transpose(2, 0, 1), permutation=[2, 0, 1])
    case("broadcast_to", [x[:, :1]], np.broadcast_to(x[:, :1], (3, 2, 5, 4)),
         shape=[3, 2, 5, 4])
    for axis in range(3):
        parts = [x, x[:1] if axis == 0 else x[:, :1] if axis == 1 else
                 x[:, :, :0]]
        case("concatenate", parts, np.concatenate(parts, axis), axis=axis)
    case("slice", [x], x[0:2:1, 1:3:1, 1:4:2], start=[0, 1, 1],
         stop=[2, 3, 4], step=[1, 1, 2])
    case("reverse", [x], x[::-1, :, ::-1], axes=[0, 2])
    padded = np.full((3, 3, 6), NAMES[name](1))
    padded[1:3, 0:2, 2:6] = x[:, 1:, :]
    case("pad", [x], padded, low=[1, -1, 2], high=[0, 1, 0], value=1.0)
    for axis in range(2):
        y = np.broadcast_to(np.arange(3 if axis == 0 else 2)
                            .reshape((3, 1) if axis == 0 else (1, 2)), (3, 2))
        if name != "bool":
            case("iota", [], to(y, name), shape=[3, 2], axis=axis, dtype=name)

# -- indexing -----------------------------------------------------------------

for name in ALL:
    x = numbers((4, 3), 1, name)
    outside = np.nan if name in FLOATS else 0
    for index_name in INTS if name == "f32" else ["i32", "u8"]:
        indices = to([[0, 3], [2, 2]], index_name)
        case("take", [x, indices], x[indices.astype(int)], axis=0)
    indices = np.array([1, 7, -1, 0], np.int32)
    y = np.empty((4, 4), NAMES[name])
    for i, k in enumerate(indices):
        y[:, i] = x[:, k] if 0 <= k < 3 else outside
    case("take", [x, indices], y, axis=1)
    along = np.array([[0, 2], [1, 1], [2, 0], [0, 0]], np.int64)
    case("take_along_axis", [x, along], np.take_along_axis(x, along, 1), axis=1)
    case("one_hot", [np.array([0, 2, 5, -1], np.int32)],
         to(np.array([[1, 0, 0], [0, 0, 1], [0, 0, 0], [0, 0, 0]]), name),
         depth=3, dtype=name)
    if name == "bool":
        continue
    updates = numbers((3, 3), 5, name)
    y = np.zeros((4, 3), np.float64 if name in FLOATS else NAMES[name])
    for i, k in enumerate([1, 1, 3]):
        y[k] += updates[i].astype(y.dtype)
    case("scatter_add", [np.array([1, 1, 3], np.int32), updates], to(y, name),
         shape=[4, 3], axis=0)
    y[:] = 0
    y[1] += updates[0].astype(y.dtype)
    case("scatter_add", [np.array([1, 4, -1], np.int32), updates], to(y, name),
         shape=[4, 3], axis=0)
    updates = numbers((4, 2), 5, name)
    y[:] = 0
    for i in range(4):
        for j in range(2):
            y[i, along[i, j]] += updates[i, j].astype(y.dtype)
    case("scatter_along_axis", [along, updates], to(y, name), shape=[4, 3],
         axis=1)
    x = numbers((3, 4), 2, name)
    x[1, 1] = x[1, 3]
    for axis in (0, 1):
        order = np.argsort(x, axis, kind="stable")
        case("sort", [x], [np.take_along_axis(x, order, axis),
                           order.astype(np.int32)], axis=axis)
    wide = as_f64(x) if name in FLOATS else x.astype(object)
    order = np.array([sorted(range(4), key=lambda i: (-r[i], i)) for r in wide])
    order = order[:, :2]
    case("top_k", [x], [np.take_along_axis(x, order, 1),
                        order.astype(np.int32)], k=2)
    for exclusive in (False, True):
        for reverse in (False, True):
            base = as_f64(x) if name in FLOATS else x
            f = base[:, ::-1] if reverse else base
            y = np.cumsum(f, 1, dtype=f.dtype)
            if exclusive:
                y = np.concatenate([np.zeros_like(y[:, :1]), y[:, :-1]], 1)
            y = y[:, ::-1] if reverse else y
            case("cumsum", [x], to(y, name), axis=1, exclusive=exclusive,
                 reverse=reverse)

# -- neural networks ----------------------------------------------------------


def taps(shape, kernel, window):
    """(output position, kernel position, input position) inside the tensor."""
    strides, low, high, dilation = window
    out = [(shape[d] + low[d] + high[d] - (kernel[d] - 1) * dilation[d] - 1)
           // strides[d] + 1 for d in range(len(kernel))]
    triples = []
    for o in np.ndindex(*out):
        for k in np.ndindex(*kernel):
            at = tuple(o[d] * strides[d] - low[d] + k[d] * dilation[d]
                       for d in range(len(kernel)))
            if all(0 <= at[d] < shape[d] for d in range(len(kernel))):
                triples.append((o, k, at))
    return out, triples


WINDOWS = [  # spatial, kernel, (strides, low, high, dilation), c, f, groups
    ((6,), (3,), ((1,), (0,), (0,), (1,)), 2, 3, 1),
    ((7,), (2,), ((2,), (1,), (0,), (2,)), 4, 2, 2),
    ((4, 5), (3, 2), ((1, 2), (1, 0), (1, 1), (1, 1)), 2, 3, 1),
    ((5, 5), (3, 3), ((2, 2), (1, 1), (1, 1), (1, 2)), 3, 6, 3),
    ((3, 4, 3), (2, 2, 2), ((1, 2, 1), (0, 1, 0), (1, 0, 0), (1, 1, 1)), 2, 2,
     1),
]
for index, (spatial, kernel, window, c, f, groups) in enumerate(WINDOWS):
    out, triples = taps(spatial, kernel, window)
    attrs = dict(strides=window[0], pad_low=window[1], pad_high=window[2],
                 dilation=window[3])
    n = 2
    for name in ["f32", "f64"] + (["f16", "bf16"] if index == 2 else []):
        x = numbers((n, *spatial, c), 1, name)
        w = numbers((*kernel, c // groups, f), 2, name)
        dy = numbers((n, *out, f), 3, name)
        y = np.zeros((n, *out, f))
        dx = np.zeros(x.shape)
        dw = np.zeros(w.shape)
        cg, fg = c // groups, f // groups
        for o, k, at in triples:
            for g in range(groups):
                cs, fs = slice(g * cg, g * cg + cg), slice(g * fg, g * fg + fg)
                xs = as_f64(x[(slice(None), *at)])[:, cs]
                ws = as_f64(w[k])[:, fs]
                dys = as_f64(dy[(slice(None), *o)])[:, fs]
                y[(slice(None), *o, fs)] += xs @ ws
                dx[(slice(None), *at, cs)] += dys @ ws.T
                dw[(*k, slice(None), fs)] += xs.T @ dys
        case("conv", [x, w], to(y, name), **attrs, groups=groups)
        case("conv_backward_data", [dy, w], to(dx, name), **attrs,
             groups=groups, shape=x.shape)
        case("conv_backward_weights", [x, dy], to(dw, name), **attrs,
             groups=groups, shape=w.shape)
        # Pooling with the same windows. Distinct elements but for one tie.
        x = to(np.round(pattern(x.shape, 4) * 16), name)
        y = np.full((n, *out, c), -np.inf)
        mean = np.zeros(y.shape)
        count = np.zeros(y.shape)
        for o, k, at in triples:
            values = as_f64(x[(slice(None), *at)])
            y[(slice(None), *o)] = np.maximum(y[(slice(None), *o)], values)
            mean[(slice(None), *o)] += values
            count[(slice(None), *o)] += 1
        dy = numbers(y.shape, 5, name)
        dx = np.zeros(x.shape)
        da = np.zeros(x.shape)
        done = np.zeros(y.shape, bool)
        for o, k, at in triples:
            here, there = (slice(None), *o), (slice(None), *at)
            first = (as_f64(x[there]) == y[here]) & ~done[here]
            done[here] |= first
            dx[there] += np.where(first, as_f64(dy[here]), 0)
            da[there] += as_f64(dy[here]) / count[here]
        case("max_pool", [x], to(y, name), **attrs, size=kernel)
        case("max_pool_grad", [x, dy], to(dx, name), **attrs, size=kernel)
        case("average_pool", [x], to(mean / count, name), **attrs, size=kernel)
        case("average_pool_grad", [dy], to(da, name), **attrs, size=kernel,
             shape=x.shape)


def log_softmax(x, axis):
    shifted = x - x.max(axis, keepdims=True)
    return shifted - np.log(np.exp(shifted).sum(axis, keepdims=True))


for name in FLOATS:
    x = numbers((2, 3, 4), 1, name)
    for axis in range(3):
        y = log_softmax(as_f64(x), axis)
        case("log_softmax", [x], to(y, name), axis=axis)
        case("softmax", [x], to(np.exp(y), name), axis=axis)
    large = to([[1000, 1001], [-1000, 0]], name)
    case("softmax", [large], to(np.exp(log_softmax(as_f64(large), 1)), name),
         axis=1)
    logits = numbers((3, 4), 2, name)
    labels = to(np.abs(pattern((3, 4), 5)) / 4, name)
    y = -(as_f64(labels) * log_softmax(as_f64(logits), 1)).sum(1)
    case("softmax_cross_entropy", [logits, labels], to(y, name))
    y = -log_softmax(as_f64(logits), 1)[np.arange(3), [1, 3, 0]]
    case("sparse_softmax_cross_entropy",
         [logits, np.array([1, 3, 0], np.int32)], to(y, name))
    y[1:] = np.nan
    case("sparse_softmax_cross_entropy",
         [logits, np.array([1, 4, -1], np.int64)], to(y, name))

    epsilon = 1e-3
    for wide in ([name, "f32"] if name in ("f16", "bf16") else [name]):
        x = numbers((2, 3, 3), 6, name)
        gamma = numbers((3,), 1, wide)
        beta = numbers((3,), 2, wide)
        dy = numbers(x.shape, 3, name)
        xs = as_f64(x)
        mean, variance = xs.mean((0, 1)), xs.var((0, 1))
        y = (xs - mean) / np.sqrt(variance + epsilon)
        case("batch_norm_training", [x, gamma, beta],
             [to(y * as_f64(gamma) + as_f64(beta), name), to(mean, wide),
              to(variance, wide)], epsilon=epsilon)
        mean, variance = to(mean, wide), to(variance, wide)
        r = 1 / np.sqrt(as_f64(variance) + epsilon)
        h = (xs - as_f64(mean)) * r
        case("batch_norm_inference", [x, gamma, beta, mean, variance],
             to(h * as_f64(gamma) + as_f64(beta), name), epsilon=epsilon)
        d = as_f64(dy)
        dbeta, dgamma = d.sum((0, 1)), (d * h).sum((0, 1))
        dx = as_f64(gamma) * r * (d - dbeta / 6 - h * dgamma / 6)
        case("batch_norm_grad", [x, gamma, mean, variance, dy],
             [to(dx, name), to(dgamma, wide), to(dbeta, wide)],
             epsilon=epsilon)
        mean, variance = xs.mean(-1), xs.var(-1)
        rstd = 1 / np.sqrt(variance + epsilon)
        h = (xs - mean[..., None]) * rstd[..., None]
        case("layer_norm", [x, gamma, beta],
             [to(h * as_f64(gamma) + as_f64(beta), name), to(mean, wide),
              to(rstd, wide)], epsilon=epsilon)
        mean, rstd = to(mean, wide), to(rstd, wide)
        h = (xs - as_f64(mean)[..., None]) * as_f64(rstd)[..., None]
        g = d * as_f64(gamma)
        dx = as_f64(rstd)[..., None] * (
            g - g.mean(-1, keepdims=True)
            - h * (g * h).mean(-1, keepdims=True))
        case("layer_norm_grad", [x, gamma, mean, rstd, dy],
             [to(dx, name), to((d * h).sum((0, 1)), wide),
              to(d.sum((0, 1)), wide)])

    wide = "f32" if name in ("f16", "bf16") else name
    scale = 0.5
    q = numbers((1, 3, 2, 2), 1, name)
    k = numbers((1, 4, 2, 2), 2, name)
    v = numbers((1, 4, 2, 3), 3, name)
    dy = numbers((1, 3, 2, 3), 4, name)
    some = pattern((1, 1, 3, 4), 5) > -0.5
    some[0, 0, 1] = False  # a row that is masked altogether
    for mask in (None, some):
        operands = [] if mask is None else [mask]
        scores = np.einsum("bthd,bshd->bhts", as_f64(q), as_f64(k)) * scale
        if mask is not None:
            low = np.float64(np.float32(-0.7 * 3.38953e38))
            scores = np.where(mask, scores, low)
        largest = scores.max(-1, keepdims=True)
        e = np.exp(scores - largest)
        total = e.sum(-1, keepdims=True)
        y = np.einsum("bhts,bshd->bthd", e / total, as_f64(v))
        largest, total = to(largest[..., 0], wide), to(total[..., 0], wide)
        case("attention", [q, k, v] + operands,
             [to(y, name), largest, total], scale=scale)
        y = to(y, name)
        p = np.exp(scores - as_f64(largest)[..., None])
        p = p / as_f64(total)[..., None]
        own = (as_f64(dy) * as_f64(y)).sum(-1).transpose(0, 2, 1)[..., None]
        dp = np.einsum("bthd,bshd->bhts", as_f64(dy), as_f64(v))
        ds = p * (dp - own) * scale
        if mask is not None:
            ds = np.where(mask, ds, 0)
        case("attention_grad", [q, k, v, y, largest, total, dy] + operands,
             [to(np.einsum("bhts,bshd->bthd", ds, as_f64(k)), name),
              to(np.einsum("bhts,bthd->bshd", ds, as_f64(q)), name),
              to(np.einsum("bhts,bthd->bshd", p, as_f64(dy)), name)],
             scale=scale)
