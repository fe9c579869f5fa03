"""Time and memory of starting the program: medians over 20 runs.

    python3 benchmarks/startup.py [build/bin/keratin]

On a busy machine give it the processor: `chrt -f 50 python3 ...`.
"""
import os
import statistics
import subprocess
import sys
import time

program = sys.argv[1] if len(sys.argv) > 1 else "build/bin/keratin"
wall, cpu, resident = [], [], []
for _ in range(20):
    start = time.perf_counter()
    child = subprocess.Popen([program, "info"], stdout=subprocess.DEVNULL)
    _, status, usage = os.wait4(child.pid, 0)
    wall.append((time.perf_counter() - start) * 1e3)
    cpu.append((usage.ru_utime + usage.ru_stime) * 1e3)
    resident.append(usage.ru_maxrss * 1024 / 1e6)
    if status != 0:
        sys.exit(f"{program} info failed")
print(f"keratin info: {statistics.median(wall):.1f} ms "
      f"({statistics.median(cpu):.1f} ms of processor), "
      f"{statistics.median(resident):.1f} MB resident")
