#include "src/passes/dump.hpp"

#include <atomic>
#include <cerrno>
#include <cstring>
#include <filesystem>
#include <fstream>
#include <system_error>

#include <keratin/error.hpp>

#include "src/core/format.hpp"
#include "src/ir/text.hpp"

namespace keratin {
namespace {

void write_file(const std::string& path, const std::string& text) {
  errno = 0;
  std::ofstream file(path, std::ios::binary);
  file << text;
  file.close();
  if (!file) {
    throw SystemError(format(
        "[KERATIN_DUMP] writing {} failed: {}", path, std::strerror(errno)));
  }
}

}  // namespace

Dump::Dump(const std::string& folder) {
  static std::atomic<int> graphs = 0;
  folder_ = format("{}/graph_{:02}", folder, graphs++);
  std::error_code error;
  std::filesystem::create_directories(folder_, error);
  if (error) {
    throw SystemError(format(
        "[KERATIN_DUMP] making the folder {} failed: {}",
        folder_,
        error.message()));
  }
}

void Dump::write(std::string_view stage, const Graph& graph) {
  const std::string base = format("{}/{:02}_{}", folder_, stage_++, stage);
  write_file(base + ".txt", print(graph));
  write_file(base + ".dot", to_dot(graph));
}

}  // namespace keratin
