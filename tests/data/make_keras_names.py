"""Writes tests/data/catalogue/keras_names.json: Keras's public names with their
arguments and defaults, read from the installed package by introspection.

usage: python make_keras_names.py OUT.json     (needs keras)

Per kind ("layers", ...) and name: "aliases", the other names of the same class,
and "arguments", argument -> default. A required argument has no default:
{"required": true}. A default that is no JSON value is its repr.
"""
import inspect
import json
import os
import sys

os.environ["TF_CPP_MIN_LOG_LEVEL"] = "3"
import keras

SKIPPED = {"self", "args", "kwargs"}


def default(value):
    if isinstance(value, tuple):
        return [default(item) for item in value]
    if value is None or isinstance(value, (bool, int, float, str)):
        return value
    return repr(value)


def arguments(target):
    out = {}
    for name, parameter in inspect.signature(target).parameters.items():
        if name in SKIPPED:
            continue
        if parameter.default is inspect.Parameter.empty:
            out[name] = {"required": True}
        else:
            out[name] = {"default": default(parameter.default)}
    return out


def classes(module):
    by_class = {}
    for name in sorted(dir(module)):
        item = getattr(module, name)
        if inspect.isclass(item):
            by_class.setdefault(item, []).append(name)
    out = {}
    for item, names in by_class.items():
        own = [n for n in names if n == item.__name__] or names[:1]
        out[own[0]] = {
            "aliases": [n for n in names if n != own[0]],
            "arguments": arguments(item.__init__),
        }
    return dict(sorted(out.items()))


def functions(module, skipped):
    by_function = {}
    for name in sorted(dir(module)):
        item = getattr(module, name)
        if inspect.isfunction(item) and name not in skipped:
            by_function.setdefault(item, []).append(name)
    out = {}
    for item, names in by_function.items():
        own = [n for n in names if n == item.__name__] or names[:1]
        out[own[0]] = {
            "aliases": [n for n in names if n != own[0]],
            "arguments": arguments(item),
        }
    return dict(sorted(out.items()))


names = {
    "keras": keras.__version__,
    "layers": classes(keras.layers),
    "losses": classes(keras.losses),
    "metrics": classes(keras.metrics),
    "optimizers": classes(keras.optimizers),
    "schedules": classes(keras.optimizers.schedules),
    "initializers": classes(keras.initializers),
    "regularizers": classes(keras.regularizers),
    "constraints": classes(keras.constraints),
    "callbacks": classes(keras.callbacks),
    "activations": functions(
        keras.activations, {"get", "serialize", "deserialize"}
    ),
    "applications": functions(keras.applications, set()),
}
with open(sys.argv[1], "w") as out:
    json.dump(names, out, indent=1)
    out.write("\n")
