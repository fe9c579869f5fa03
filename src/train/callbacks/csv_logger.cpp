#include <algorithm>
#include <cerrno>
#include <cmath>
#include <cstdio>
#include <cstring>
#include <filesystem>
#include <memory>
#include <string>
#include <utility>
#include <vector>

#include <keratin/callbacks.hpp>
#include <keratin/error.hpp>

#include "src/core/format.hpp"
#include "src/core/log.hpp"

namespace keratin {

namespace {

struct Close {
  void operator()(std::FILE* file) const { std::fclose(file); }
};

/// As Python writes a float.
std::string number_text(double value) {
  if (std::isnan(value)) return "nan";
  if (std::isinf(value)) return value < 0 ? "-inf" : "inf";
  return Config(value).dump();
}

class CSVLoggerCallback final : public Callback {
 public:
  CSVLoggerCallback(std::string filename, callbacks::CSVLoggerOptions options)
      : filename_(std::move(filename)), options_(std::move(options)) {
    if (options_.separator.size() != 1) {
      throw InvalidArgument(format(
          "[CSVLogger] expected a separator of one character, got '{}'",
          options_.separator));
    }
  }

  void on_train_begin(Logs&) override {
    file_.reset();
    keys_.clear();
    header_ = true;
    std::error_code none;
    const auto size = std::filesystem::file_size(filename_, none);
    const bool holds_something = !none && size > 0;
    if (options_.append && holds_something) header_ = false;
    const bool keep = options_.append || (params().resumed && holds_something);
    file_.reset(std::fopen(filename_.c_str(), keep ? "abe" : "wbe"));
    if (!file_) {
      throw SystemError(format(
          "[CSVLogger {}] open failed: {}", filename_, std::strerror(errno)));
    }
  }

  void on_epoch_end(std::int64_t epoch, Logs& logs) override {
    if (!file_) return;
    std::string text;
    if (keys_.empty()) {
      set_keys(logs);
      if (header_) {
        text += "epoch";
        for (const std::string& key : keys_) text += separated(key);
        text += "\r\n";
      }
    }
    text += format("{}", epoch);
    for (const std::string& key : keys_) {
      const std::optional<double> value = logs.find(key);
      text += separated(value ? number_text(*value) : "NA");
    }
    text += "\r\n";
    const bool wrote =
        std::fwrite(text.data(), 1, text.size(), file_.get()) == text.size() &&
        std::fflush(file_.get()) == 0;
    if (!wrote) {
      log_message(
          LogChannel::warning,
          format(
              "[CSVLogger {}] write failed: {}; training goes on without the "
              "log",
              filename_,
              std::strerror(errno)));
      file_.reset();
    }
  }

  void on_train_end(Logs&) override { file_.reset(); }

  void save_state(CallbackState& state) const override {
    Config keys = Config::array();
    for (const std::string& key : keys_) keys.push_back(key);
    state.values["keys"] = std::move(keys);
    state.values["header"] = header_;
    // A file opened for appending is not there before its first write.
    std::error_code none;
    const auto size = std::filesystem::file_size(filename_, none);
    state.values["size"] = static_cast<std::int64_t>(none ? 0 : size);
  }

  void restore_state(const CallbackState& state) override {
    keys_.clear();
    for (const Config& key : state.values.at("keys").as_array()) {
      keys_.push_back(key.as_string());
    }
    header_ = state.values.at("header").as_bool();
    // What was written after the checkpoint is written again.
    const std::int64_t size = state.values.at("size").as_int();
    std::error_code error;
    const auto now = std::filesystem::file_size(filename_, error);
    if (!error && static_cast<std::int64_t>(now) < size) {
      log_message(
          LogChannel::warning,
          format(
              "[CSVLogger {}] expected {} bytes of the epochs so far, got {}; "
              "the rest is written behind them",
              filename_,
              size,
              now));
      return;
    }
    if (!error) {
      std::filesystem::resize_file(
          filename_, static_cast<std::uintmax_t>(size), error);
    }
    if (error) {
      throw SystemError(format(
          "[CSVLogger {}] truncate failed: {}", filename_, error.message()));
    }
  }

 private:
  void set_keys(const Logs& logs) {
    bool validated = false;
    for (const auto& [name, value] : logs.entries()) {
      keys_.push_back(name);
      validated = validated || name.starts_with("val_");
    }
    std::sort(keys_.begin(), keys_.end());
    if (validated) return;
    // Room for what validation may bring in a later epoch.
    const std::vector<std::string> plain = keys_;
    for (const std::string& key : plain) keys_.push_back("val_" + key);
  }

  std::string separated(const std::string& field) const {
    const std::string special = options_.separator + "\"\r\n";
    if (field.find_first_of(special) == std::string::npos) {
      return options_.separator + field;
    }
    std::string quoted;
    for (const char c : field) quoted += c == '"' ? "\"\"" : std::string(1, c);
    return options_.separator + "\"" + quoted + "\"";
  }

  std::string filename_;
  callbacks::CSVLoggerOptions options_;
  std::unique_ptr<std::FILE, Close> file_;
  std::vector<std::string> keys_;
  bool header_ = true;
};

}  // namespace

std::shared_ptr<Callback> callbacks::CSVLogger(
    std::string filename, CSVLoggerOptions options) {
  return std::make_shared<CSVLoggerCallback>(
      std::move(filename), std::move(options));
}

}  // namespace keratin
