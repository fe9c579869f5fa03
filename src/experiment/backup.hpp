#pragma once

#include <cstddef>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include <keratin/experiment.hpp>

#include "src/experiment/phases.hpp"

namespace keratin::experiment {

/// The checkpoints of a run: of each phase in a folder of its own, kept until
/// everything has been written, so that a phase that is done is not done again.
class Backup {
 public:
  /// As the config's BackupAndRestore says, else as the options do.
  Backup(const std::vector<Phase>& phases, const RunOptions& options);

  /// Empty: no checkpoints are written.
  const std::string& folder() const { return folder_; }

  /// The callbacks of phase `number` (from 0) with its own BackupAndRestore.
  std::vector<std::shared_ptr<Callback>> callbacks(
      const std::vector<std::shared_ptr<Callback>>& given,
      std::size_t number) const;

  /// Where the next run goes on, or none.
  std::optional<keratin::callbacks::CheckpointInfo> find() const;

  /// Removes them, unless they are to stay.
  void remove() const;

 private:
  void remove_all() const;
  std::string folder_of(std::size_t number) const;

  std::string folder_;
  keratin::callbacks::BackupAndRestoreOptions options_;
  std::size_t phases_;
};

}  // namespace keratin::experiment
