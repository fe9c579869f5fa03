"""Checks the example configs against what `keratin schema` prints.

usage: check_schema.py KERATIN CONFIG...
Exits with 77 when the jsonschema package is not there.
"""
import json
import subprocess
import sys

try:
    import jsonschema
except ImportError:
    print("SKIPPED: the Python package jsonschema is not installed")
    sys.exit(77)

program, configs = sys.argv[1], sys.argv[2:]
printed = subprocess.run(
    [program, "schema"], check=True, capture_output=True, text=True
).stdout
schema = json.loads(printed)
jsonschema.Draft202012Validator.check_schema(schema)
validator = jsonschema.Draft202012Validator(schema)

failed = 0
for path in configs:
    with open(path) as file:
        config = json.load(file)
    for error in validator.iter_errors(config):
        failed += 1
        print(f"{path}: {error.json_path}: {error.message[:300]}")

# What must not pass.
with open(configs[0]) as file:
    good = file.read()
for change in (
    lambda c: c["fit"].update(epoch=3),
    lambda c: c["fit"].update(epochs="x"),
    lambda c: c["fit"].update(epochs=-1),
    lambda c: c["data"].update(name="digit"),
    lambda c: c["model"]["layers"].append({"Dens": {"units": 3}}),
    lambda c: c["model"]["layers"].append({"Dense": {"unit": 3}}),
    lambda c: c["model"]["layers"].append({"Dense": {}}),
    lambda c: c["compile"].update(optimizer={"Adm": {}}),
    lambda c: c["compile"].update(loss="mss"),
    lambda c: c.pop("model"),
):
    config = json.loads(good)
    change(config)
    if validator.is_valid(config):
        failed += 1
        print("a wrong config is taken:", json.dumps(config)[:200])
print(f"{len(configs)} configs checked, {failed} problems")
sys.exit(1 if failed else 0)
