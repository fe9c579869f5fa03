#include <utility>

#include <keratin/callbacks.hpp>

#include "src/train/callback_list.hpp"

namespace keratin {

Callback::~Callback() = default;

void Callback::on_train_begin(Logs&) {}

void Callback::on_train_end(Logs&) {}

void Callback::on_epoch_begin(std::int64_t, Logs&) {}

void Callback::on_epoch_end(std::int64_t, Logs&) {}

void Callback::on_train_batch_begin(std::int64_t, Logs&) {}

void Callback::on_train_batch_end(std::int64_t, Logs&) {}

void Callback::on_test_begin(Logs&) {}

void Callback::on_test_end(Logs&) {}

void Callback::on_test_batch_begin(std::int64_t, Logs&) {}

void Callback::on_test_batch_end(std::int64_t, Logs&) {}

void Callback::on_predict_begin(Logs&) {}

void Callback::on_predict_end(Logs&) {}

void Callback::on_predict_batch_begin(std::int64_t, Logs&) {}

void Callback::on_predict_batch_end(std::int64_t, Logs&) {}

CallbackList::CallbackList(
    std::vector<std::shared_ptr<Callback>> callbacks,
    ModelImpl& model,
    const Callback::Params& params)
    : callbacks_(std::move(callbacks)) {
  std::erase(callbacks_, nullptr);
  for (const auto& callback : callbacks_) {
    callback->set_model(&model);
    callback->set_params(params);
  }
}

void HistoryCallback::on_epoch_end(std::int64_t epoch, Logs& logs) {
  history.epoch.push_back(epoch);
  for (const auto& [name, value] : logs.entries()) {
    std::vector<double>* values = nullptr;
    for (auto& [known, list] : history.history) {
      if (known == name) values = &list;
    }
    if (values == nullptr) {
      values =
          &history.history.emplace_back(name, std::vector<double>()).second;
    }
    values->push_back(value);
  }
}

}  // namespace keratin
