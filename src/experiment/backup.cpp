#include "src/experiment/backup.hpp"

#include <unistd.h>

#include <filesystem>

#include <keratin/error.hpp>

#include "src/core/format.hpp"
#include "src/core/log.hpp"
#include "src/train/callbacks/backup_and_restore.hpp"

namespace keratin::experiment {

namespace {

const BackupAndRestoreCallback* as_keeper(
    const std::shared_ptr<Callback>& callback) {
  return dynamic_cast<const BackupAndRestoreCallback*>(callback.get());
}

}  // namespace

Backup::Backup(const std::vector<Phase>& phases, const RunOptions& options)
    : folder_(options.backup_dir),
      options_(options.backup),
      phases_(phases.size()) {
  for (const Phase& phase : phases) {
    for (const auto& callback : phase.callbacks) {
      const BackupAndRestoreCallback* keeper = as_keeper(callback);
      if (keeper == nullptr) continue;
      folder_ = keeper->folder();
      options_ = keeper->options();
      options_.restore = options.backup.restore;
    }
  }
  options_.stop = options.stop;
  // A stop in the second phase needs to know that the first is done.
  if (phases_ > 1 && options_.save_freq.never()) options_.save_freq = "epoch";
  // Nothing of another run may be taken for a later phase of this one.
  if (phases_ > 1 && !options_.restore) remove_all();
}

std::vector<std::shared_ptr<Callback>> Backup::callbacks(
    const std::vector<std::shared_ptr<Callback>>& given,
    std::size_t number) const {
  std::vector<std::shared_ptr<Callback>> out;
  for (const auto& callback : given) {
    if (as_keeper(callback) == nullptr) out.push_back(callback);
  }
  if (folder_.empty()) return out;
  keratin::callbacks::BackupAndRestoreOptions options = options_;
  options.delete_checkpoint = false;
  out.push_back(
      keratin::callbacks::BackupAndRestore(folder_of(number), options));
  return out;
}

std::optional<keratin::callbacks::CheckpointInfo> Backup::find() const {
  if (folder_.empty()) return {};
  for (std::size_t number = phases_; number > 0; --number) {
    auto found = keratin::callbacks::find_checkpoint(folder_of(number - 1));
    if (found) return found;
  }
  return {};
}

void Backup::remove() const {
  if (options_.delete_checkpoint) remove_all();
}

void Backup::remove_all() const {
  if (folder_.empty()) return;
  try {
    for (std::size_t number = 0; number < phases_; ++number) {
      keratin::callbacks::remove_checkpoints(folder_of(number));
    }
  } catch (const SystemError& error) {
    log_message(LogChannel::warning, error.what());
  }
  ::rmdir(folder_.c_str());  // stays when something else is in it
}

std::string Backup::folder_of(std::size_t number) const {
  if (phases_ == 1) return folder_;
  return (std::filesystem::path(folder_) / format("phase_{}", number + 1))
      .string();
}

}  // namespace keratin::experiment
