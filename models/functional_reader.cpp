// Rebuilds functional models from Keras 3's JSON.

#include <algorithm>
#include <cstdint>
#include <deque>
#include <map>
#include <unordered_map>
#include <utility>

#include <keratin/error.hpp>

#include "layers/base/input_layer.hpp"
#include "layers/base/operation.hpp"
#include "layers/base/symbolic_state.hpp"
#include "models/functional.hpp"
#include "src/core/format.hpp"

namespace keratin {

namespace {

/// Rebuilds the calls of a functional model from its JSON.
class GraphReader {
 public:
  GraphReader(const Config& config, std::string where)
      : config_(config), where_(std::move(where)) {}

  void run() {
    const Config::Array& layers = config_.at("layers").as_array();
    for (std::size_t i = 0; i < layers.size(); ++i) {
      add_layer(layers[i], format("{}.layers[{}]", where_, i));
    }
    // A layer used at several depths has calls that must wait for others. Each
    // is tried twice at most, in whatever order the file has them.
    std::deque<Made*> ready(order_.begin(), order_.end());
    while (!ready.empty()) {
      Made& made = *ready.front();
      ready.pop_front();
      while (made.calls_left() > 0 && call(made, (*made.nodes)[made.next])) {
        ++made.next;
        for (Made* waiting : take_waiting(made)) {
          if (--waiting->missing == 0) ready.push_back(waiting);
        }
      }
      made.missing = missing_.size();
      for (const auto& [other, index] : missing_) {
        other->waiting[index].push_back(&made);
      }
      missing_.clear();
    }
    for (const Made* made : order_) {
      if (made->calls_left() > 0) report_stuck();
    }
  }

  std::vector<SymbolicTensor> ends(const char* key, bool* single) {
    const Config& list = config_.at(key);
    *single = false;
    if (is_end(list)) {
      *single = true;
      return {end(list, key)};
    }
    std::vector<SymbolicTensor> tensors;
    if (list.is_object()) {
      for (const auto& [name, item] : list.as_object()) {
        tensors.push_back(end(item, key));
      }
      return tensors;
    }
    for (const Config& item : list.as_array()) {
      tensors.push_back(end(item, key));
    }
    return tensors;
  }

  std::unordered_map<const LayerImpl::CallNode*, bool> kept_training;

 private:
  struct Made {
    Layer layer;
    std::string where;
    const Config::Array* nodes = nullptr;  // calls, to be made from `next` on
    std::size_t next = 0;
    std::vector<std::vector<SymbolicTensor>> results;  // by call
    std::size_t missing = 0;  // tensors that the next call waits for
    std::map<std::size_t, std::vector<Made*>> waiting;  // for a call of this

    std::size_t calls_left() const {
      return nodes == nullptr ? 0 : nodes->size() - next;
    }
  };

  /// Who waits for the call that was made last.
  static std::vector<Made*> take_waiting(Made& made) {
    auto found = made.waiting.extract(made.results.size() - 1);
    return found.empty() ? std::vector<Made*>{} : std::move(found.mapped());
  }

  void add_layer(const Config& config, const std::string& where) {
    Made made;
    made.layer = deserialize_layer(config, where);
    made.where = where;
    std::string name = made.layer.name();
    if (const Config* given = config.find("name"); given != nullptr) {
      name = given->as_string();
    }
    if (auto* input = dynamic_cast<InputLayerImpl*>(&made.layer.impl())) {
      made.results.push_back({input->tensor()});
    } else if (const Config* nodes = config.find("inbound_nodes")) {
      made.nodes = &nodes->as_array();
    }
    const auto [at, is_new] = made_.try_emplace(name, std::move(made));
    if (!is_new) {
      throw InvalidArgument(
          format("[{}] a second layer is named '{}'", where, name));
    }
    order_.push_back(&at->second);
  }

  [[noreturn]] void report_stuck() const {
    std::string names;
    for (const Made* made : order_) {
      if (made->calls_left() > 0) {
        names += (names.empty() ? "" : ", ") + made->layer.name();
      }
    }
    throw InvalidArgument(format(
        "[{}] the calls of these layers form a cycle or lack an input: {}",
        where_,
        names));
  }

  static bool is_end(const Config& config) {
    return config.is_array() && config.size() >= 3 &&
           config.as_array()[0].is_string() && config.as_array()[1].is_int();
  }

  Made& find(const std::string& name, const std::string& where) {
    const auto found = made_.find(name);
    if (found == made_.end()) {
      throw InvalidArgument(format("[{}] no layer is named '{}'", where, name));
    }
    return found->second;
  }

  /// The tensor of a history, or none while its call has not been made, which
  /// is noted.
  SymbolicTensor lookup(
      const Config& history, const std::string& where, bool counts_from_one) {
    if (!is_end(history)) {
      throw InvalidArgument(format(
          "[{}] expected [layer, call, result], got {}",
          where,
          history.dump()));
    }
    const Config::Array& items = history.as_array();
    Made& made = find(items[0].as_string(), where);
    std::int64_t call = items[1].as_int();
    if (counts_from_one && made.layer.class_name() == "Functional") --call;
    const std::int64_t result = items[2].as_int();
    const auto calls =
        static_cast<std::int64_t>(made.results.size() + made.calls_left());
    if (call < 0 || call >= calls || result < 0) {
      throw InvalidArgument(format(
          "[{}] layer '{}' has {} calls, not call {}",
          where,
          items[0].as_string(),
          calls,
          call));
    }
    const auto place = static_cast<std::size_t>(call);
    if (place >= made.results.size()) {
      missing_.emplace_back(&made, place);
      return {};
    }
    const auto& results = made.results[place];
    if (result >= static_cast<std::int64_t>(results.size())) {
      throw InvalidArgument(format(
          "[{}] layer '{}' yields {} tensors, not number {}",
          where,
          items[0].as_string(),
          results.size(),
          result));
    }
    return results[static_cast<std::size_t>(result)];
  }

  SymbolicTensor end(const Config& item, const std::string& key) {
    const std::string where = where_ + "." + key;
    SymbolicTensor tensor = lookup(item, where, true);
    if (!tensor) {
      throw InvalidArgument(format("[{}] is not connected", where));
    }
    return tensor;
  }

  static bool is_tensor(const Config& config) {
    const Config* name = config.find("class_name");
    return name != nullptr && name->is_string() &&
           name->as_string() == "__keras_tensor__";
  }

  void fill(
      const Config& config,
      const std::string& where,
      Argument<SymbolicTensor>& out) {
    if (is_tensor(config)) {
      out.tensors.push_back(
          lookup(config.at("config").at("keras_history"), where, false));
      return;
    }
    if (!holds_tensor(config)) {
      out.constant = config;
      return;
    }
    out.is_list = true;
    // A list with others among the tensors, [mask, None], [x, an array] or
    // lists: a constant beside the tensors tells their places, true for a
    // tensor.
    const Config::Array& items = config.as_array();
    Config places = Config::array();
    fill_list(items, where, out, places);
    if (!std::all_of(items.begin(), items.end(), is_tensor)) {
      out.constant = std::move(places);
    }
  }

  static bool holds_tensor(const Config& config) {
    if (is_tensor(config)) return true;
    return config.is_array() && std::any_of(
                                    config.as_array().begin(),
                                    config.as_array().end(),
                                    holds_tensor);
  }

  void fill_list(
      const Config::Array& items,
      const std::string& where,
      Argument<SymbolicTensor>& out,
      Config& places) {
    for (const Config& item : items) {
      if (is_tensor(item)) {
        places.push_back(true);
        out.tensors.push_back(
            lookup(item.at("config").at("keras_history"), where, false));
      } else if (holds_tensor(item)) {  // states of stacked cells
        Config inner = Config::array();
        fill_list(item.as_array(), where, out, inner);
        places.push_back(std::move(inner));
      } else if (holds_true(item)) {  // would read as a tensor's place
        throw InvalidArgument(
            format("[{}] expected tensors in the list, got true", where));
      } else {
        places.push_back(item);
      }
    }
  }

  static bool holds_true(const Config& config) {
    if (!config.is_array()) return config == Config(true);
    return std::any_of(
        config.as_array().begin(), config.as_array().end(), holds_true);
  }

  /// Keras 2 wrote calls as [[layer, call, result, kwargs], ...].
  void read_legacy(
      const Config& node, const std::string& where, SymbolicInputs& inputs) {
    Argument<SymbolicTensor> first;
    for (const Config& item : node.as_array()) {
      first.tensors.push_back(lookup(item, where, false));
      if (item.size() < 4) continue;
      for (const auto& [name, value] : item.as_array()[3].as_object()) {
        inputs.items.push_back({name, {}, false, value});
      }
    }
    first.is_list = first.tensors.size() > 1;
    inputs.items.insert(inputs.items.begin(), std::move(first));
  }

  /// Notes in missing_ the tensors that do not exist yet.
  void read_arguments(
      const Config& node, const std::string& where, SymbolicInputs& inputs) {
    if (node.is_array()) {
      read_legacy(node, where, inputs);
      return;
    }
    for (const Config& arg : node.at("args").as_array()) {
      Argument<SymbolicTensor> argument;
      fill(arg, where, argument);
      inputs.items.push_back(std::move(argument));
    }
    const Config kwargs = node.get("kwargs", Config::object());
    for (const auto& [name, value] : kwargs.as_object()) {
      Argument<SymbolicTensor> argument;
      argument.name = name;
      fill(value, where, argument);
      inputs.items.push_back(std::move(argument));
    }
  }

  /// False when a tensor it needs does not exist yet.
  bool call(Made& made, const Config& node) {
    const std::string where =
        format("{}.inbound_nodes[{}]", made.where, made.next);
    SymbolicInputs inputs;
    read_arguments(node, where, inputs);
    if (!missing_.empty()) return false;
    check_lists(made, where, inputs);
    made.results.push_back(made.layer.call(inputs));
    keep_training(node, inputs, made.results.back());
    return true;
  }

  /// What was a call of Keras 2 says that its `training` holds.
  void keep_training(
      const Config& node,
      const SymbolicInputs& inputs,
      const std::vector<SymbolicTensor>& results) {
    if (!node.is_object() || node.get("keeps_training") != Config(true)) return;
    const Argument<SymbolicTensor>* training = inputs.find("training");
    if (training == nullptr || !training->constant.is_bool()) return;
    kept_training[results.at(0).state().node.get()] =
        training->constant.as_bool();
  }

  /// Operations take arrays among the tensors of a list, layers do not.
  static void check_lists(
      const Made& made,
      const std::string& where,
      const SymbolicInputs& inputs) {
    if (dynamic_cast<const OperationImpl*>(&made.layer.impl()) != nullptr) {
      return;
    }
    for (const Argument<SymbolicTensor>& argument : inputs.items) {
      if (!argument.is_list || !argument.constant.is_array()) continue;
      for (const Config& place : argument.constant.as_array()) {
        if (place.is_null() || place.is_array() || place == Config(true)) {
          continue;
        }
        throw InvalidArgument(format(
            "[{}] {} expected tensors in its list, got the constant {}",
            where,
            made.layer.class_name(),
            place.dump()));
      }
    }
  }

  const Config& config_;
  std::string where_;
  std::map<std::string, Made> made_;
  std::vector<Made*> order_;                            // as in the file
  std::vector<std::pair<Made*, std::size_t>> missing_;  // of the call at hand
};

}  // namespace

void FunctionalImpl::from_config(
    const Config& config, const std::string& where) {
  GraphReader reader(config, where);
  reader.run();
  bool single_input = false;
  bool single_output = false;
  auto inputs = reader.ends("input_layers", &single_input);
  auto outputs = reader.ends("output_layers", &single_output);
  if (const Config name = config.get("name"); !name.is_null()) {
    set_name(name.as_string());
  }
  kept_training_ = std::move(reader.kept_training);
  set_graph(std::move(inputs), std::move(outputs));
  single_input_ = single_input;
  single_output_ = single_output;
  if (const Config flag = config.get("trainable");
      flag.is_bool() && !flag.as_bool()) {
    set_trainable(false);
  }
}

}  // namespace keratin
