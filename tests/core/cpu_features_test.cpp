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

}  // namespace keratin
