#include <cstdio>
#include <deque>
#include <filesystem>
#include <memory>
#include <string>
#include <utility>

#include <keratin/callbacks.hpp>
#include <keratin/error.hpp>

#include "models/callbacks/file_pattern.hpp"
#include "models/saving.hpp"
#include "src/core/format.hpp"
#include "src/core/log.hpp"
#include "src/io/atomic_file.hpp"
#include "src/train/callbacks/monitor.hpp"
#include "src/train/callbacks/save_frequency.hpp"
#include "src/train/checkpoint/background_writer.hpp"

namespace keratin {

namespace {

/// One file after the other, written beside the training; the oldest go.
class Writer {
 public:
  explicit Writer(std::optional<std::int64_t> max_to_keep)
      : max_to_keep_(max_to_keep) {}

  void write(const std::string& path, std::function<void()> save) {
    // What is to go is settled here, so that it depends on no thread.
    std::vector<std::string> old;
    std::erase(files_, path);
    files_.push_back(path);
    while (max_to_keep_ &&
           static_cast<std::int64_t>(files_.size()) > *max_to_keep_) {
      old.push_back(files_.front());
      files_.pop_front();
    }
    thread_.add([path, save = std::move(save), old = std::move(old)] {
      try {
        const auto folder = std::filesystem::path(path).parent_path();
        if (!folder.empty()) io::make_folders(folder.string());
        save();
      } catch (const std::exception& error) {
        log_message(
            LogChannel::warning,
            format(
                "[ModelCheckpoint] nothing was saved: {}; training goes on",
                error.what()));
        return;  // the older ones stay
      }
      for (const std::string& file : old) {
        std::error_code none;
        std::filesystem::remove(file, none);
      }
    });
  }

  void wait() { thread_.wait(); }

  const std::deque<std::string>& files() const { return files_; }

  void set_files(std::deque<std::string> files) { files_ = std::move(files); }

 private:
  std::optional<std::int64_t> max_to_keep_;
  std::deque<std::string> files_;  // the oldest first
  BackgroundWriter thread_{BackgroundWriter::WhenBusy::wait};
};

class ModelCheckpointCallback final : public Callback {
 public:
  ModelCheckpointCallback(
      std::string filepath, callbacks::ModelCheckpointOptions options)
      : filepath_(std::move(filepath)),
        options_(std::move(options)),
        monitor_("ModelCheckpoint", options_.monitor, options_.mode, 0),
        clock_(options_.save_freq),
        best_(options_.initial_value_threshold),
        writer_(options_.max_to_keep) {
    const auto fail = [&](const char* expected) {
      throw InvalidArgument(format(
          "[ModelCheckpoint] expected a filepath that ends in {}, got '{}'",
          expected,
          filepath_));
    };
    if (options_.save_weights_only) {
      if (!filepath_.ends_with(".weights.h5")) {
        fail(".weights.h5 with save_weights_only");
      }
    } else if (
        filepath_.ends_with(".weights.h5") ||
        !(filepath_.ends_with(".keras") || filepath_.ends_with(".h5"))) {
      fail(".keras or .h5");
    }
    if (options_.max_to_keep && *options_.max_to_keep < 1) {
      throw InvalidArgument(format(
          "[ModelCheckpoint] expected max_to_keep >= 1, got {}",
          *options_.max_to_keep));
    }
  }

  void on_epoch_begin(std::int64_t epoch, Logs&) override { epoch_ = epoch; }

  void on_train_batch_end(std::int64_t batch, Logs& logs) override {
    if (clock_.batch_done(batch)) save(epoch_, batch, logs);
  }

  void on_epoch_end(std::int64_t epoch, Logs& logs) override {
    if (clock_.every_epoch()) save(epoch, std::nullopt, logs);
  }

  void on_train_end(Logs&) override { writer_.wait(); }

  void save_state(CallbackState& state) const override {
    clock_.save_state(state.values);
    state.values["epoch"] = epoch_;
    if (best_) state.values["best"] = *best_;
    Config files = Config::array();
    for (const std::string& file : writer_.files()) files.push_back(file);
    state.values["files"] = std::move(files);
  }

  void restore_state(const CallbackState& state) override {
    clock_.restore_state(state.values);
    epoch_ = state.values.at("epoch").as_int();
    best_.reset();
    if (const Config* best = state.values.find("best")) {
      best_ = best->as_number();
    }
    std::deque<std::string> files;
    for (const Config& file : state.values.at("files").as_array()) {
      files.push_back(file.as_string());
    }
    writer_.set_files(std::move(files));
  }

 private:
  void save(
      std::int64_t epoch, std::optional<std::int64_t> batch, const Logs& logs) {
    if (batch) ++*batch;  // both are counted from 1 in names
    const std::string path = file_name_of(filepath_, epoch + 1, batch, logs);
    if (!is_wanted(epoch, logs, path)) return;
    const Model model(
        std::static_pointer_cast<ModelImpl>(this->model().shared_from_this()));
    writer_.write(
        path,
        options_.save_weights_only ? prepared_save_weights(model, path)
                                   : prepared_save(model, path));
    if (options_.verbose == 0) return;
    writer_.wait();
    say(epoch, format("finished saving model to {}", path));
  }

  bool is_wanted(
      std::int64_t epoch, const Logs& logs, const std::string& path) {
    if (!options_.save_best_only) {
      say(epoch, format("saving model to {}", path));
      return true;
    }
    const std::optional<double> current = monitor_.value(logs);
    if (!current) return true;  // as Keras does; there is a warning
    const std::string best = best_ ? format("{:.5f}", *best_) : "None";
    const std::string& name = options_.monitor;
    if (!monitor_.improves(model(), *current, best_)) {
      say(epoch, format("{} did not improve from {}", name, best));
      return false;
    }
    say(epoch,
        format(
            "{} improved from {} to {:.5f}, saving model to {}",
            name,
            best,
            *current,
            path));
    best_ = current;
    return true;
  }

  void say(std::int64_t epoch, const std::string& text) const {
    if (options_.verbose == 0) return;
    std::printf(
        "\nEpoch %lld: %s\n", static_cast<long long>(epoch) + 1, text.c_str());
  }

  std::string filepath_;
  callbacks::ModelCheckpointOptions options_;
  Monitor monitor_;
  SaveClock clock_;
  std::optional<double> best_;
  std::int64_t epoch_ = 0;
  Writer writer_;
};

}  // namespace

std::shared_ptr<Callback> callbacks::ModelCheckpoint(
    std::string filepath, ModelCheckpointOptions options) {
  return std::make_shared<ModelCheckpointCallback>(
      std::move(filepath), std::move(options));
}

}  // namespace keratin
