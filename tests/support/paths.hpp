#pragma once

#include <filesystem>
#include <string>

namespace keratin::testing {

/// The folder of outside data sets (KERATIN_DATA); may not exist.
std::filesystem::path data_dir();

/// The folder of conformance cases (KERATIN_CONFORMANCE); may not exist.
std::filesystem::path conformance_dir();

/// The root of the source tree.
std::filesystem::path source_dir();

/// A fixture under tests/data.
std::filesystem::path fixture(const std::string& name);

/// A fresh folder, removed with everything in it at the end of the scope.
class TempDir {
 public:
  TempDir();
  ~TempDir();
  TempDir(const TempDir&) = delete;
  TempDir& operator=(const TempDir&) = delete;

  const std::filesystem::path& path() const { return path_; }

  std::filesystem::path operator/(const std::string& name) const {
    return path_ / name;
  }

 private:
  std::filesystem::path path_;
};

}  // namespace keratin::testing
