// What the backend makes of what the processor says.

#include <doctest/doctest.h>

#include "src/backends/cpu/onednn.hpp"

using namespace keratin;

TEST_CASE("oneDNN is capped where AMX is announced without a palette") {
  CpuFeatures features;
  CHECK_FALSE(cpu::isa_cap(features));
  features.amx_palette_missing = true;
  REQUIRE(cpu::isa_cap(features));
  CHECK(*cpu::isa_cap(features) == dnnl::cpu_isa::avx512_core_bf16);
}
