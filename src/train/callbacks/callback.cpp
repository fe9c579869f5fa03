#include <map>
#include <typeinfo>
#include <utility>

#include <keratin/callbacks.hpp>
#include <keratin/error.hpp>

#include "src/core/format.hpp"
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

void Callback::save_state(CallbackState&) const {}

void Callback::restore_state(const CallbackState&) {}

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

namespace {

std::string class_of(const Callback& callback) {
  return typeid(callback).name();
}

std::string prefix_of(std::size_t index) {
  return format("callbacks/{}/", index);
}

}  // namespace

void CallbackList::save(Checkpoint& checkpoint) const {
  Config list = Config::array();
  for (std::size_t i = 0; i < callbacks_.size(); ++i) {
    CallbackState state;
    callbacks_[i]->save_state(state);
    list.push_back(Config::object(
        {{"class", class_of(*callbacks_[i])},
         {"empty", state.empty()},
         {"values", std::move(state.values)}}));
    for (auto& [name, value] : state.arrays) {
      checkpoint.arrays.emplace_back(prefix_of(i) + name, std::move(value));
    }
  }
  checkpoint.values["callbacks"] = std::move(list);
}

void CallbackList::restore(const Checkpoint& checkpoint) const {
  const Config::Array& list = checkpoint.values.at("callbacks").as_array();
  std::map<std::string, std::size_t> next;  // by class: where to look on
  for (std::size_t i = 0; i < list.size(); ++i) {
    const std::string& kind = list[i].at("class").as_string();
    std::size_t& at = next[kind];
    while (at < callbacks_.size() && class_of(*callbacks_[at]) != kind) ++at;
    if (list[i].at("empty").as_bool()) {
      ++at;
      continue;
    }
    if (at >= callbacks_.size()) {
      throw InvalidArgument(format(
          "holds the state of {} callbacks, one of which ({}) is not there; "
          "this run has {}",
          list.size(),
          kind,
          callbacks_.size()));
    }
    CallbackState state;
    state.values = list[i].at("values");
    const std::string prefix = prefix_of(i);
    for (const auto& [name, value] : checkpoint.arrays) {
      if (name.starts_with(prefix)) {
        state.arrays.emplace(name.substr(prefix.size()), value);
      }
    }
    callbacks_[at++]->restore_state(state);
  }
}

void HistoryCallback::save_state(CallbackState& state) const {
  Config all = Config::array();
  for (const auto& [name, values] : history.history) {
    Config list = Config::array();
    for (const double value : values) list.push_back(value);
    all.push_back(Config::array({name, std::move(list)}));
  }
  state.values["epoch"] = Config::ints(history.epoch);
  state.values["history"] = std::move(all);
}

void HistoryCallback::restore_state(const CallbackState& state) {
  history = {};
  history.epoch = state.values.at("epoch").as_ints();
  for (const Config& entry : state.values.at("history").as_array()) {
    std::vector<double> values;
    for (const Config& value : entry.as_array().at(1).as_array()) {
      values.push_back(value.as_number());
    }
    history.history.emplace_back(
        entry.as_array().at(0).as_string(), std::move(values));
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
