#include "src/experiment/outputs.hpp"

#include <unistd.h>

#include <filesystem>
#include <optional>

#include <keratin/error.hpp>

#include "src/core/format.hpp"
#include "src/io/atomic_file.hpp"

namespace keratin::experiment {

namespace {

std::string history_csv(const History& history) {
  std::string text = "epoch";
  for (const auto& [name, values] : history.history) text += "," + name;
  text += '\n';
  for (std::size_t i = 0; i < history.epoch.size(); ++i) {
    text += format("{}", history.epoch[i]);
    // With validation_freq some columns are shorter; their values belong to
    // every so many epochs.
    for (const auto& [name, values] : history.history) {
      const std::size_t every = history.epoch.size() / values.size();
      const std::size_t at = (i + 1) / every;
      text += ',';
      if ((i + 1) % every == 0 && at <= values.size()) {
        text += format("{}", values[at - 1]);
      }
    }
    text += '\n';
  }
  return text;
}

std::string history_json(const History& history) {
  Config out = Config::object({{"epoch", Config::ints(history.epoch)}});
  for (const auto& [name, values] : history.history) {
    Config list = Config::array();
    for (const double value : values) list.push_back(value);
    out[name] = std::move(list);
  }
  return out.dump(2) + "\n";
}

}  // namespace

void check_output(const std::string& path, const std::string& where) {
  const std::filesystem::path file(path);
  const std::filesystem::path folder =
      file.has_parent_path() ? file.parent_path() : ".";
  try {
    io::make_folders(folder.string());
  } catch (const SystemError& error) {
    throw InvalidArgument(format("[{}] {}", where, error.what()));
  }
  if (::access(folder.c_str(), W_OK | X_OK) != 0) {
    throw InvalidArgument(format(
        "[{}] expected a folder that can be written, got '{}'",
        where,
        folder.string()));
  }
  std::error_code none;
  if (std::filesystem::exists(file, none) &&
      !std::filesystem::is_regular_file(file, none)) {
    throw InvalidArgument(
        format("[{}] '{}' is there and no file", where, path));
  }
}

void check_outputs(const OutputSection& section, const std::string& where) {
  const auto check = [&](const std::optional<std::string>& path,
                         const char* name) {
    if (path) check_output(*path, where + name);
  };
  check(section.model, ".model");
  check(section.weights, ".weights");
  check(section.history, ".history");
  check(section.predictions, ".predictions");
}

void write_history(const std::string& path, const History& history) {
  const std::string text =
      path.ends_with(".json") ? history_json(history) : history_csv(history);
  io::write_file(path, io::as_bytes(text));
}

}  // namespace keratin::experiment
