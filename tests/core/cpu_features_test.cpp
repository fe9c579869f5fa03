#include "src/core/cpu_features.hpp"

#include <doctest/doctest.h>

#include <thread>

namespace keratin {

TEST_CASE("the machine has a model, cores and consistent flags") {
  const CpuFeatures& cpu = cpu_features();
  CHECK_FALSE(cpu.model.empty());
  CHECK(physical_cores() >= 1);
  CHECK(
      physical_cores() <=
      static_cast<int>(std::thread::hardware_concurrency()));
  if (cpu.has("avx512f")) CHECK(cpu.has("avx2"));
  // A usable AMX and a missing palette exclude each other.
  CHECK_FALSE((cpu.amx_palette_missing && cpu.has("amx_tile")));
  CHECK_FALSE(cpu.has("no such flag"));
}

TEST_CASE("AMX without a palette is told by CPUID's leaves 7 and 0x1D") {
  constexpr unsigned kTile = 1U << 24;
  CHECK(amx_palette_missing(kTile, 0));
  CHECK_FALSE(amx_palette_missing(kTile, 1));
  CHECK_FALSE(amx_palette_missing(0, 0));
}

}  // namespace keratin
