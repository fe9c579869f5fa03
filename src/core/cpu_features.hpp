#pragma once

#include <string>
#include <vector>

namespace keratin {

struct CpuFeatures {
  std::string model;             // "Intel(R) Xeon(R) ..."; "unknown"
  std::vector<std::string> isa;  // "avx2", "avx512f", ..., oldest first
  /// AMX is announced (leaf 7, EDX bit 24) but its palette (leaf 0x1D) is
  /// empty, as some virtual machines have it. oneDNN 2.6 and 3.2 then die of
  /// SIGILL in bf16 and int8 primitives unless capped at avx512_core_bf16.
  bool amx_palette_missing = false;

  bool has(const std::string& name) const;
};

/// Whether registers of CPUID say so: EDX of leaf 7, EAX of leaf 0x1D.
bool amx_palette_missing(unsigned leaf7_edx, unsigned leaf1d_eax);

/// This machine's, asked once.
const CpuFeatures& cpu_features();

/// Physical cores that this process may run on: its affinity mask with
/// hyper-threads counted once, and no more than its container's CPU quota.
int physical_cores();

}  // namespace keratin
