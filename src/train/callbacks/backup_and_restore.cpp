#include "src/train/callbacks/backup_and_restore.hpp"

#include <unistd.h>

#include <filesystem>
#include <memory>
#include <system_error>
#include <utility>

#include <keratin/error.hpp>

#include "src/core/format.hpp"
#include "src/core/log.hpp"
#include "src/io/atomic_file.hpp"

namespace keratin {

namespace fs = std::filesystem;

namespace {

constexpr const char* kLatest = "latest.checkpoint";
constexpr const char* kPrevious = "previous.checkpoint";

bool is_there(const fs::path& path) {
  std::error_code none;
  return fs::exists(path, none);
}

/// What a run that was killed while it wrote has left.
void remove_unfinished(const fs::path& folder) {
  std::error_code none;
  for (const auto& entry : fs::directory_iterator(folder, none)) {
    const std::string name = entry.path().filename().string();
    const bool ours = name.starts_with(std::string(kLatest) + ".") ||
                      name.starts_with(std::string(kPrevious) + ".");
    if (ours && name.ends_with(".tmp")) fs::remove(entry.path(), none);
  }
}

struct Found {
  fs::path path;
  Checkpoint checkpoint;
};

std::optional<Found> find_whole(
    const std::string& folder, const std::string& who) {
  const fs::path latest = fs::path(folder) / kLatest;
  const fs::path previous = fs::path(folder) / kPrevious;
  std::string why;
  if (is_there(latest)) {
    try {
      return Found{latest, read_checkpoint(latest.string())};
    } catch (const Error& error) {
      why = error.what();
    }
  }
  if (is_there(previous)) {
    try {
      Found found = {previous, read_checkpoint(previous.string())};
      log_message(
          LogChannel::warning,
          format(
              "{} goes on from the checkpoint before the last: {}",
              who,
              why.empty() ? "the last one is not there" : why));
      return found;
    } catch (const Error& error) {
      why += (why.empty() ? "" : "; ") + std::string(error.what());
    }
  }
  if (why.empty()) return {};
  throw InvalidArgument(format(
      "{} {}; remove the folder to begin anew (double_checkpoint keeps the one "
      "before)",
      who,
      why));
}

std::string who_of(const std::string& folder) {
  return format("[BackupAndRestore {}]", folder);
}

}  // namespace

BackupAndRestoreCallback::BackupAndRestoreCallback(
    std::string backup_dir, callbacks::BackupAndRestoreOptions options)
    : folder_(std::move(backup_dir)),
      options_(std::move(options)),
      clock_(options_.save_freq),
      writer_(BackgroundWriter::WhenBusy::replace) {
  if (folder_.empty()) {
    throw InvalidArgument(
        "[BackupAndRestore] expected the name of a folder as backup_dir, got "
        "an empty one");
  }
}

std::string BackupAndRestoreCallback::who() const {
  return who_of(folder_);
}

void BackupAndRestoreCallback::on_train_batch_end(std::int64_t batch, Logs&) {
  if (clock_.batch_done(batch)) due_ = true;
}

void BackupAndRestoreCallback::on_epoch_end(std::int64_t, Logs&) {
  if (clock_.every_epoch()) due_ = true;
}

void BackupAndRestoreCallback::save_state(CallbackState& state) const {
  clock_.save_state(state.values);
}

void BackupAndRestoreCallback::restore_state(const CallbackState& state) {
  clock_.restore_state(state.values);
}

std::optional<Checkpoint> BackupAndRestoreCallback::load() {
  writer_.wait();
  due_ = false;
  wrote_ = false;
  made_ = false;
  remove_unfinished(folder_);
  if (!options_.restore) return {};
  std::optional<Found> found = find_whole(folder_, who());
  if (!found) return {};
  return std::move(found->checkpoint);
}

void BackupAndRestoreCallback::save(Checkpoint checkpoint) {
  auto copy = std::make_shared<const Checkpoint>(std::move(checkpoint));
  writer_.add([this, copy = std::move(copy)] { write(*copy); });
}

bool BackupAndRestoreCallback::wait() {
  writer_.wait();
  return wrote_;
}

void BackupAndRestoreCallback::write(const Checkpoint& checkpoint) {
  const fs::path latest = fs::path(folder_) / kLatest;
  wrote_ = false;
  try {
    if (made_ && !is_there(folder_)) {
      log_message(
          LogChannel::warning,
          format(
              "{} the folder has vanished with the checkpoints in it; it is "
              "made anew",
              who()));
    }
    io::make_folders(folder_);
    made_ = true;
    if (options_.double_checkpoint && is_there(latest)) {
      // A second name for the same file, so that there is always a whole one.
      const fs::path previous = fs::path(folder_) / kPrevious;
      const fs::path link = previous.string() + ".link.tmp";
      fs::remove(link);
      fs::create_hard_link(latest, link);
      fs::rename(link, previous);
    }
    write_checkpoint(latest.string(), checkpoint);
    wrote_ = true;
  } catch (const std::exception& error) {
    log_message(
        LogChannel::warning,
        format(
            "{} no checkpoint was written: {}; training goes on",
            who(),
            error.what()));
  }
}

std::shared_ptr<Callback> callbacks::BackupAndRestore(
    std::string backup_dir, BackupAndRestoreOptions options) {
  return std::make_shared<BackupAndRestoreCallback>(
      std::move(backup_dir), std::move(options));
}

std::optional<callbacks::CheckpointInfo> callbacks::find_checkpoint(
    const std::string& backup_dir) {
  const std::optional<Found> found = find_whole(backup_dir, who_of(backup_dir));
  if (!found) return {};
  const Config& values = found->checkpoint.values;
  return CheckpointInfo{
      found->path.string(),
      values.at("epoch").as_int(),
      values.at("step").as_int(),
      values.at("finished").as_bool()};
}

void callbacks::remove_checkpoints(const std::string& backup_dir) {
  const fs::path folder = backup_dir;
  remove_unfinished(folder);
  for (const char* name : {kLatest, kPrevious}) {
    std::error_code error;
    fs::remove(folder / name, error);
    if (error) {
      throw SystemError(format(
          "[{}] remove failed: {}", (folder / name).string(), error.message()));
    }
  }
  ::rmdir(folder.c_str());  // stays when somebody else's files are in it
}

}  // namespace keratin
