#pragma once

#include <optional>
#include <string>

#include <keratin/callbacks.hpp>

#include "src/train/callbacks/save_frequency.hpp"
#include "src/train/checkpoint/background_writer.hpp"
#include "src/train/checkpoint/checkpoint.hpp"

namespace keratin {

/// Says when a checkpoint is due and keeps the files. What is in one is fit's
/// to say (src/train/fit_run.hpp): it is made when all callbacks are done with
/// a step.
class BackupAndRestoreCallback final : public Callback {
 public:
  BackupAndRestoreCallback(
      std::string backup_dir, callbacks::BackupAndRestoreOptions options);

  const std::string& folder() const { return folder_; }

  const callbacks::BackupAndRestoreOptions& options() const { return options_; }

  void on_train_batch_end(std::int64_t batch, Logs& logs) override;
  void on_epoch_end(std::int64_t epoch, Logs& logs) override;
  void save_state(CallbackState& state) const override;
  void restore_state(const CallbackState& state) override;

  /// "[BackupAndRestore DIR]".
  std::string who() const;

  /// The checkpoint to go on from, or none. One that is damaged gives way to
  /// the one before, with a warning. Throws InvalidArgument when there is none
  /// that is whole.
  std::optional<Checkpoint> load();

  /// Whether one is due since the last question.
  bool take_due() { return std::exchange(due_, false); }

  bool stop_is_asked() const { return options_.stop && options_.stop(); }

  /// Writes it beside the training.
  void save(Checkpoint checkpoint);

  /// Until all is written; whether the last one was.
  bool wait();

 private:
  void write(const Checkpoint& checkpoint);

  std::string folder_;
  callbacks::BackupAndRestoreOptions options_;
  SaveClock clock_;
  bool due_ = false;
  bool wrote_ = false;       // the writer's, between calls of wait
  bool made_ = false;        // the folder, likewise
  BackgroundWriter writer_;  // last: its thread uses the others
};

}  // namespace keratin
