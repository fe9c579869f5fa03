#include "src/experiment/text_directory.hpp"

#include <algorithm>
#include <cstdint>
#include <filesystem>
#include <fstream>
#include <iterator>

#include <keratin/error.hpp>

#include "src/core/format.hpp"

namespace keratin::experiment {

namespace {

namespace fs = std::filesystem;

/// Sorted; names that begin with a dot are left out.
std::vector<std::string> names_in(const fs::path& folder, bool folders) {
  std::vector<std::string> names;
  for (const auto& entry : fs::directory_iterator(folder)) {
    std::string name = entry.path().filename().string();
    const bool wanted =
        folders ? entry.is_directory() : entry.is_regular_file();
    if (wanted && !name.starts_with(".")) names.push_back(std::move(name));
  }
  std::sort(names.begin(), names.end());
  return names;
}

std::string read_text(const fs::path& path) {
  std::ifstream in(path, std::ios::binary);
  if (!in) {
    throw SystemError(
        format("[{}] cannot be opened for reading", path.string()));
  }
  std::string text{std::istreambuf_iterator<char>(in), {}};
  if (in.bad()) {
    throw SystemError(format("[{}] cannot be read", path.string()));
  }
  return text;
}

}  // namespace

void check_text_directory(const std::string& folder, const std::string& where) {
  if (!fs::is_directory(folder)) {
    throw InvalidArgument(format(
        "[{}] expected a folder that can be read, got '{}'", where, folder));
  }
  if (names_in(folder, true).empty()) {
    throw InvalidArgument(format(
        "[{}] expected a folder with a folder per class, got none in '{}'",
        where,
        folder));
  }
}

data::Examples read_text_directory(
    const std::string& folder,
    const std::vector<std::string>& classes,
    const std::string& where) {
  check_text_directory(folder, where);
  const std::vector<std::string> labels =
      classes.empty() ? names_in(folder, true) : classes;
  std::vector<std::string> texts;
  std::vector<std::int64_t> targets;
  for (std::size_t label = 0; label < labels.size(); ++label) {
    const fs::path inside = fs::path(folder) / labels[label];
    if (!fs::is_directory(inside)) {
      throw InvalidArgument(format(
          "[{}] expected a folder for the class '{}', got none",
          where,
          labels[label]));
    }
    for (const std::string& name : names_in(inside, false)) {
      texts.push_back(read_text(inside / name));
      targets.push_back(static_cast<std::int64_t>(label));
    }
  }
  if (texts.empty()) {
    throw InvalidArgument(
        format("[{}] expected files in the folders of '{}'", where, folder));
  }
  return {Tensor(texts), Tensor(targets)};
}

}  // namespace keratin::experiment
