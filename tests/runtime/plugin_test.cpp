#include "src/runtime/plugin.hpp"

#include <doctest/doctest.h>

using namespace keratin;

TEST_CASE("A plug-in that is not there gives a reason") {
  const Plugin plugin = open_plugin("libkeratin_no_such_backend.so");
  CHECK(plugin.backend == nullptr);
  CHECK(
      plugin.reason.find("libkeratin_no_such_backend.so") != std::string::npos);
}

TEST_CASE("A library that is no plug-in gives a reason") {
  const Plugin plugin = open_plugin("libm.so.6");
  CHECK(plugin.backend == nullptr);
  CHECK(
      plugin.reason.find("libm.so.6 has no keratin_plugin_create") !=
      std::string::npos);
}
