#include "src/core/cpu_features.hpp"

#include <sched.h>

#include <algorithm>
#include <cmath>
#include <fstream>
#include <set>
#include <utility>

#if defined(__x86_64__)
#include <cpuid.h>
#endif

namespace keratin {

bool amx_palette_missing(unsigned leaf7_edx, unsigned leaf1d_eax) {
  const bool announced = ((leaf7_edx >> 24) & 1) != 0;  // AMX-TILE
  return announced && leaf1d_eax == 0;
}

namespace {

std::string model_from_proc() {
  std::ifstream in("/proc/cpuinfo");
  std::string line;
  while (std::getline(in, line)) {
    if (line.rfind("model name", 0) != 0) continue;
    const std::size_t colon = line.find(':');
    if (colon != std::string::npos && colon + 2 <= line.size()) {
      return line.substr(colon + 2);
    }
  }
  return "unknown";
}

#if defined(__x86_64__)
void add_isa(CpuFeatures& features) {
  const auto add = [&](bool present, const char* name) {
    if (present) features.isa.emplace_back(name);
  };
  // libgcc's answers include whether the system saves the registers.
  __builtin_cpu_init();
  add(__builtin_cpu_supports("sse4.2"), "sse4.2");
  add(__builtin_cpu_supports("avx"), "avx");
  add(__builtin_cpu_supports("avx2"), "avx2");
  add(__builtin_cpu_supports("fma"), "fma");
  add(__builtin_cpu_supports("avx512f"), "avx512f");
  add(__builtin_cpu_supports("avx512bw"), "avx512bw");
  add(__builtin_cpu_supports("avx512vl"), "avx512vl");
  add(__builtin_cpu_supports("avx512vnni"), "avx512_vnni");
  unsigned eax = 0;
  unsigned ebx = 0;
  unsigned ecx = 0;
  unsigned edx = 0;
  if (__get_cpuid_count(7, 1, &eax, &ebx, &ecx, &edx) != 0) {
    add(((eax >> 5) & 1) != 0 && __builtin_cpu_supports("avx512f"),
        "avx512_bf16");
  }
  if (__get_cpuid_count(7, 0, &eax, &ebx, &ecx, &edx) == 0) return;
  if (((edx >> 24) & 1) == 0) return;  // no AMX-TILE
  const unsigned leaf7 = edx;
  const bool bf16 = ((edx >> 22) & 1) != 0;
  const bool int8 = ((edx >> 25) & 1) != 0;
  unsigned palettes = 0;
  if (__get_cpuid_count(0x1D, 0, &palettes, &ebx, &ecx, &edx) == 0) {
    palettes = 0;
  }
  features.amx_palette_missing = amx_palette_missing(leaf7, palettes);
  add(palettes != 0, "amx_tile");
  add(palettes != 0 && bf16, "amx_bf16");
  add(palettes != 0 && int8, "amx_int8");
}
#else
void add_isa(CpuFeatures&) {}
#endif

int read_int(const std::string& path, int fallback) {
  std::ifstream in(path);
  int value = fallback;
  return in >> value ? value : fallback;
}

// CPUs that the container may use, from cgroup v2's "quota period".
int quota_cpus() {
  std::ifstream in("/sys/fs/cgroup/cpu.max");
  double quota = 0;  // stays so when the file says "max"
  double period = 0;
  if (!(in >> quota >> period) || quota <= 0 || period <= 0) return 1 << 20;
  return std::max(1, static_cast<int>(std::ceil(quota / period)));
}

int count_physical_cores() {
  cpu_set_t mask;
  CPU_ZERO(&mask);
  if (sched_getaffinity(0, sizeof(mask), &mask) != 0) return 1;
  std::set<std::pair<int, int>> cores;  // package, core
  for (int cpu = 0; cpu < CPU_SETSIZE; ++cpu) {
    if (!CPU_ISSET(cpu, &mask)) continue;
    const std::string topology =
        "/sys/devices/system/cpu/cpu" + std::to_string(cpu) + "/topology/";
    // Without a topology each CPU counts as a core of its own.
    cores.emplace(
        read_int(topology + "physical_package_id", -1),
        read_int(topology + "core_id", cpu));
  }
  const int count = static_cast<int>(std::max<std::size_t>(cores.size(), 1));
  return std::min(count, quota_cpus());
}

}  // namespace

bool CpuFeatures::has(const std::string& name) const {
  return std::find(isa.begin(), isa.end(), name) != isa.end();
}

const CpuFeatures& cpu_features() {
  static const CpuFeatures features = [] {
    CpuFeatures found;
    found.model = model_from_proc();
    add_isa(found);
    return found;
  }();
  return features;
}

int physical_cores() {
  static const int count = count_physical_cores();
  return count;
}

}  // namespace keratin
