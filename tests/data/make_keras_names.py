"""Writes tests/data/catalogue/keras_names.json: Keras's public names with their
arguments and defaults, read from the installed package by introspection.

usage: python make_keras_names.py OUT.json     (needs keras)

Per kind ("layers", ...) and name: "aliases", the other names of the same class,
and "arguments", argument -> default. A required argument has no default:
{"required": true}. A default that is no JSON value is its repr.
"""
import importlib
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


def operations():
    """The classes of keras.ops, as files name them."""
    out = set()
    for module in ("core", "einops", "image", "linalg", "math", "nn", "numpy"):
        module = importlib.import_module("keras.src.ops." + module)
        for name, item in vars(module).items():
            own = inspect.isclass(item) and item.__module__ == module.__name__
            if own and issubclass(item, keras.Operation):
                out.add(name)
    return sorted(out)


def public(target):
    return sorted(
        name
        for name in dir(target)
        if not name.startswith("_") and not inspect.ismodule(getattr(target, name))
    )


def arguments_of(*functions):
    return {f.__name__: sorted(arguments(f)) for f in functions}


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
    "operations": operations(),
    # What is no class of a catalogue: names, and arguments of some methods.
    "sections": {
        "Model": public(keras.Model),
        "Sequential": public(keras.Sequential),
        "Layer": public(keras.layers.Layer),
        "Optimizer": public(keras.optimizers.Optimizer),
        "Callback": public(keras.callbacks.Callback),
        "quantizers": public(keras.quantizers),
        "distribution": public(keras.distribution),
        "dtype_policies": public(keras.dtype_policies),
        "mixed_precision": public(keras.mixed_precision),
        "random": public(keras.random),
        "datasets": sorted(
            n for n in dir(keras.datasets) if not n.startswith("_")
        ),
        "models": public(keras.models),
    },
    "methods": arguments_of(
        keras.Model.compile,
        keras.Model.evaluate,
        keras.Model.fit,
        keras.Model.load_weights,
        keras.Model.predict,
        keras.Model.save,
        keras.Model.save_weights,
        keras.Model.summary,
        keras.models.clone_model,
        keras.models.load_model,
        keras.utils.plot_model,
    ),
}
with open(sys.argv[1], "w") as out:
    json.dump(names, out, indent=1)
    out.write("\n")
