"""Inference of a model that torch_bench.py exported, by OpenVINO or ONNX Runtime: one JSON line.

usage: python onnx_bench.py FILE.onnx openvino|onnxruntime BATCH [--rounds N]
"""
import argparse
import json
import resource
import statistics
import time

start = time.perf_counter()
import numpy as np

arguments = argparse.ArgumentParser()
arguments.add_argument("file")
arguments.add_argument("engine", choices=["openvino", "onnxruntime"])
arguments.add_argument("batch", type=int)
arguments.add_argument("--rounds", type=int, default=5)
a = arguments.parse_args()
x = np.random.default_rng(0).standard_normal((a.batch, 3, 224, 224), dtype="float32")
if a.engine == "openvino":
    import openvino

    core = openvino.Core()
    core.set_property("CPU", {"INFERENCE_NUM_THREADS": 2})
    model = core.read_model(a.file)
    model.reshape([a.batch, 3, 224, 224])
    request = core.compile_model(
        model, "CPU", {"PERFORMANCE_HINT": "LATENCY", "INFERENCE_PRECISION_HINT": "f32"}).create_infer_request()
    version, call = f"OpenVINO {openvino.__version__.split('-')[0]}", lambda: request.infer([x])
else:
    import onnxruntime

    options = onnxruntime.SessionOptions()
    options.intra_op_num_threads = 2
    session = onnxruntime.InferenceSession(a.file, options, providers=["CPUExecutionProvider"])
    version, call = f"ONNX Runtime {onnxruntime.__version__}", lambda: session.run(None, {session.get_inputs()[0].name: x})
call()
first = time.perf_counter() - start
call()
ms = []
for _ in range(a.rounds * 8):
    begin = time.perf_counter()
    call()
    ms.append((time.perf_counter() - begin) * 1e3)
print(json.dumps({
    "batch": a.batch, "version": version, "first_step_s": round(first, 3), "median_ms": statistics.median(ms),
    "min_ms": min(ms), "peak_mb": resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024}))
