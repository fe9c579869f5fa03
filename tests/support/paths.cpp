#include "tests/support/paths.hpp"

#include <cstdlib>
#include <stdexcept>
#include <system_error>

namespace keratin::testing {

namespace fs = std::filesystem;

namespace {

fs::path from_environment(const char* name, const char* fallback) {
  const char* value = std::getenv(name);
  return value != nullptr && *value != '\0' ? value : fallback;
}

}  // namespace

fs::path data_dir() {
  return from_environment("KERATIN_DATA", KERATIN_TEST_DATA);
}

fs::path conformance_dir() {
  return from_environment("KERATIN_CONFORMANCE", KERATIN_TEST_CONFORMANCE);
}

fs::path source_dir() {
  return KERATIN_TEST_SOURCE_DIR;
}

fs::path fixture(const std::string& name) {
  return source_dir() / "tests" / "data" / name;
}

TempDir::TempDir() {
  std::string name = (fs::temp_directory_path() / "keratin_XXXXXX").string();
  if (mkdtemp(name.data()) == nullptr) {
    throw std::runtime_error("mkdtemp failed for " + name);
  }
  path_ = name;
}

TempDir::~TempDir() {
  std::error_code ignored;
  fs::remove_all(path_, ignored);
}

}  // namespace keratin::testing
