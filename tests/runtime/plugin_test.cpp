#include "src/runtime/plugin.hpp"

#include <doctest/doctest.h>

using namespace keratin;

TEST_CASE("A plug-in beside the program is opened and gives its backend") {
  const Plugin plugin = open_plugin("libkeratin_test_plugin.so");
  REQUIRE(plugin.backend != nullptr);
  CHECK(plugin.reason.empty());
  CHECK(plugin.backend->name() == "example");
  CHECK(plugin.backend->devices().front() == "example:0: nothing");
  CHECK(open_plugin("libkeratin_test_plugin.so").backend == plugin.backend);
}

TEST_CASE("A plug-in of another version is declined") {
  const Plugin plugin = open_plugin("libkeratin_test_plugin_newer.so");
  CHECK(plugin.backend == nullptr);
  CHECK(
      plugin.reason.find("declined version 4 of the plug-in interface") !=
      std::string::npos);
}

TEST_CASE("A plug-in that declines may say why") {
  const Plugin plugin = open_plugin("libkeratin_test_plugin_reason.so");
  CHECK(plugin.backend == nullptr);
  CHECK(plugin.reason == "the driver is too old");
}

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
