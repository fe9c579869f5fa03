#pragma once

#include <memory>
#include <string>

#include <keratin/training.hpp>

#include "src/train/callbacks/backup_and_restore.hpp"
#include "src/train/epochs.hpp"

namespace keratin {

/// One run of fit, from its first epoch or from a checkpoint to its end.
class FitRun {
 public:
  /// What is referred to outlives the run. `validation` may be null.
  struct Setup {
    ModelImpl& model;
    std::string who;
    Feed& feed;
    std::string validation_who;
    Feed* validation;
    const FitArguments& arguments;
  };

  explicit FitRun(Setup setup);

  History run();

 private:
  /// Where a run stands between two steps.
  struct Position {
    std::int64_t epoch = 0;
    std::int64_t step = 0;  // of the epoch, done
    bool in_epoch = false;  // its on_epoch_begin has been called
    bool finished = false;  // on_train_end has been called
    bool stopping = false;  // a callback has ended the training
    Logs logs = {};         // of the last epoch
  };

  bool goes_on() const;
  bool run_epoch();
  bool after_step(std::int64_t step);
  Checkpoint capture();
  void restore(const Checkpoint& from);
  void restore_from(const Checkpoint& from);
  void finish(bool interrupted);

  Setup setup_;
  ModelImpl& model_;
  Epochs epochs_;
  std::shared_ptr<HistoryCallback> history_;
  std::shared_ptr<Callback> bar_;                     // or null
  std::shared_ptr<BackupAndRestoreCallback> keeper_;  // or null
  std::unique_ptr<CallbackList> callbacks_;
  Position at_;
};

}  // namespace keratin
