// A plug-in that computes: docs/adding_a_backend.md, done outside the library.

#include "src/runtime/plugin.hpp"
#include "tests/backends/own_backend.hpp"

extern "C" KERATIN_API keratin::Backend* keratin_plugin_create(
    int api_version) {
  if (api_version != keratin::KERATIN_PLUGIN_API) return nullptr;
  static keratin::testing::OwnBackend backend({keratin::testing::kOwnMultiply});
  return &backend;
}
