#pragma once

#include <cstdint>
#include <memory>
#include <vector>

#include <keratin/callbacks.hpp>

#include "src/train/checkpoint/checkpoint.hpp"

namespace keratin {

/// The callbacks of one run, called in the order they were given.
class CallbackList {
 public:
  CallbackList(
      std::vector<std::shared_ptr<Callback>> callbacks,
      ModelImpl& model,
      const Callback::Params& params);

  template <class Method, class... Args>
  void call(Method method, Args&&... args) {
    for (const auto& callback : callbacks_) {
      ((*callback).*method)(args...);
    }
  }

  bool empty() const { return callbacks_.empty(); }

  /// What each of them has to know to go on.
  void save(Checkpoint& checkpoint) const;

  /// Gives it back: the n-th of a class takes what the n-th of that class gave.
  /// Throws InvalidArgument when there are fewer of a class.
  void restore(const Checkpoint& checkpoint) const;

 private:
  std::vector<std::shared_ptr<Callback>> callbacks_;
};

/// Collects the History that fit returns.
class HistoryCallback final : public Callback {
 public:
  void on_epoch_end(std::int64_t epoch, Logs& logs) override;
  void save_state(CallbackState& state) const override;
  void restore_state(const CallbackState& state) override;

  History history;
};

/// Keras's progress bar on a terminal (verbose 1), or a line per epoch
/// (verbose 2).
std::shared_ptr<Callback> make_progress_bar(int verbose);

/// The progress bar among the callbacks, or null.
std::shared_ptr<Callback> find_progress_bar(
    const std::vector<std::shared_ptr<Callback>>& callbacks);

/// 1 on a terminal, else 2.
int resolve_verbose(std::optional<int> verbose);

}  // namespace keratin
