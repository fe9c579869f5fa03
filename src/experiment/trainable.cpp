#include "src/experiment/trainable.hpp"

#include <algorithm>
#include <cstddef>
#include <optional>
#include <utility>
#include <vector>

#include <keratin/error.hpp>

#include "src/core/format.hpp"
#include "src/core/names.hpp"
#include "src/experiment/sections.hpp"

namespace keratin::experiment {

namespace {

struct FromSection final : Section {
  Config from = true;
  std::vector<std::string> except;

  std::string class_name() const override { return "trainable"; }

  void fields(FieldVisitor& visit) override {
    visit("from", from);
    visit("except", except);
  }
};

std::vector<std::string> names_of(const std::vector<Layer>& layers) {
  std::vector<std::string> names;
  for (const Layer& layer : layers) names.push_back(layer.name());
  return names;
}

[[noreturn]] void refuse_name(
    const std::string& where,
    const Layer& model,
    const std::string& name,
    const std::vector<std::string>& names) {
  throw InvalidArgument(format(
      "[{}] {} has no layer '{}'{}",
      where,
      model.name(),
      name,
      did_you_mean(name, names)));
}

/// The first of a model's layers that trains.
std::size_t first_trained(
    const Layer& model,
    const std::vector<Layer>& layers,
    const Config& from,
    const std::string& where) {
  if (from.is_bool()) return from.as_bool() ? 0 : layers.size();
  if (from.is_string()) {
    const std::vector<std::string> names = names_of(layers);
    const auto found = std::ranges::find(names, from.as_string());
    if (found == names.end()) {
      refuse_name(where, model, from.as_string(), names);
    }
    return static_cast<std::size_t>(found - names.begin());
  }
  const auto count = static_cast<std::int64_t>(layers.size());
  if (!from.is_int()) {
    throw InvalidArgument(format(
        "[{}] expected true, false, the name of a layer or its place, got {}",
        where,
        from.dump()));
  }
  const std::int64_t place = from.as_int();
  if (place < -count || place >= count) {
    throw InvalidArgument(format(
        "[{}] expected a place from {} to {}, as {} has {} layers, got {}",
        where,
        -count,
        count - 1,
        model.name(),
        count,
        place));
  }
  return static_cast<std::size_t>(place < 0 ? place + count : place);
}

void check_exceptions(
    const Layer& model,
    const std::vector<Layer>& layers,
    const std::vector<std::string>& except,
    const std::string& where) {
  std::vector<std::string> known = names_of(layers);
  for (const Layer& layer : layers) known.push_back(layer.class_name());
  for (std::size_t i = 0; i < except.size(); ++i) {
    if (std::ranges::find(known, except[i]) != known.end()) continue;
    throw InvalidArgument(format(
        "[{}.except[{}]] {} has no layer of the name or class '{}'{}",
        where,
        i,
        model.name(),
        except[i],
        did_you_mean(except[i], known)));
  }
}

}  // namespace

TrainableFlags trainable_flags(
    const Layer& layer, const Config& value, const std::string& where) {
  if (value.is_bool()) return {{layer, value.as_bool()}};
  const auto* const model = dynamic_cast<const ModelImpl*>(&layer.impl());
  if (model == nullptr) {
    throw InvalidArgument(format(
        "[{}] expected true or false for a layer that is no model, got {}",
        where,
        value.dump()));
  }
  FromSection part;
  if (value.is_object()) {
    part.from_config(value, where);
  } else {
    part.from = value;
  }
  const std::vector<Layer> inside = model->layers();
  const std::size_t first = first_trained(
      layer, inside, part.from, value.is_object() ? where + ".from" : where);
  check_exceptions(layer, inside, part.except, where);
  const auto excepted = [&](const Layer& one) {
    return std::ranges::any_of(part.except, [&](const std::string& name) {
      return name == one.name() || name == one.class_name();
    });
  };
  TrainableFlags flags = {{layer, true}};
  for (std::size_t i = 0; i < inside.size(); ++i) {
    flags.emplace_back(inside[i], i >= first && !excepted(inside[i]));
  }
  return flags;
}

TrainableFlags trainable_flags_of_layers(
    const Model& model, const Config& values, const std::string& where) {
  TrainableFlags flags;
  if (values.is_null()) return flags;
  if (!values.is_object()) {
    throw InvalidArgument(format(
        "[{}] expected an object of layers and what of them trains, got {}",
        where,
        values.kind()));
  }
  const std::vector<Layer> layers = model.layers();
  const std::vector<std::string> names = names_of(layers);
  for (const auto& [name, value] : values.as_object()) {
    const auto found = std::ranges::find(names, name);
    if (found == names.end()) refuse_name(where, model, name, names);
    const Layer& layer =
        layers[static_cast<std::size_t>(found - names.begin())];
    const auto more = trainable_flags(layer, value, where + "." + name);
    flags.insert(flags.end(), more.begin(), more.end());
  }
  return flags;
}

void apply(const TrainableFlags& flags) {
  for (auto [layer, trainable] : flags) layer.set_trainable(trainable);
}

Config trainable_schema() {
  const Config from = Config::object(
      {{"type", Config::array({"boolean", "string", "integer"})}});
  FromSection part;
  Config section = fields_schema(part);
  section["properties"]["from"] = from;
  return Config::object({{"anyOf", Config::array({from, section})}});
}

}  // namespace keratin::experiment
