#pragma once

#include <cstdint>
#include <memory>
#include <vector>

#include <keratin/callbacks.hpp>

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

 private:
  std::vector<std::shared_ptr<Callback>> callbacks_;
};

/// Collects the History that fit returns.
class HistoryCallback final : public Callback {
 public:
  void on_epoch_end(std::int64_t epoch, Logs& logs) override;

  History history;
};

/// Keras's progress bar on a terminal (verbose 1), or a line per epoch
/// (verbose 2).
std::shared_ptr<Callback> make_progress_bar(int verbose);

/// 1 on a terminal, else 2.
int resolve_verbose(std::optional<int> verbose);

}  // namespace keratin
