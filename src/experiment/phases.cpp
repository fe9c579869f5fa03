#include "src/experiment/phases.hpp"

#include <cmath>
#include <cstddef>
#include <limits>
#include <utility>

#include <keratin/error.hpp>

#include "src/core/fields.hpp"
#include "src/core/format.hpp"
#include "src/experiment/parts.hpp"
#include "src/experiment/trainable.hpp"

namespace keratin::experiment {

namespace {

struct PhaseSection final : Section {
  Config trainable;
  Config compile;
  Config fit;
  Config callbacks;

  std::string class_name() const override { return "phases"; }

  void fields(FieldVisitor& visit) override {
    visit("trainable", trainable);
    visit("compile", compile);
    visit("fit", fit);
    visit("callbacks", callbacks);
  }
};

std::string place(std::size_t i) {
  return format("$.phases[{}]", i);
}

/// The members of an object with those of another one in their places.
Config with(const Config& base, const Config& over, const std::string& where) {
  if (over.is_null()) return base;
  if (!over.is_object()) {
    throw InvalidArgument(
        format("[{}] expected an object, got {}", where, over.kind()));
  }
  Config out = base.is_null() ? Config::object() : base;
  for (const auto& [key, value] : over.as_object()) out[key] = value;
  return out;
}

std::shared_ptr<const FitSection> read_fit(
    const Root& root, const Config& over, const std::string& where) {
  auto out = std::make_shared<FitSection>();
  const Config config = with(root.fit.to_config(), over, where);
  if (!config.is_null()) out->from_config(config, where);
  out->check(where);
  return out;
}

Phase phase_of(const Root& root, const Config& config, const std::string& at) {
  PhaseSection section;
  section.from_config(config, at);
  Phase out;
  out.trainable = section.trainable;
  if (const Model& model = root.model.described()) {
    trainable_flags_of_layers(model, out.trainable, at + ".trainable");
  }
  // Keras, too, wants a model to be compiled anew when other weights train.
  if (!section.compile.is_null() || !section.trainable.is_null()) {
    const std::string where = at + ".compile";
    CompilePart part;
    part.from_config(
        with(root.compile.to_config(), section.compile, where), where);
    out.compile = part.arguments();
  }
  out.fit = read_fit(root, section.fit, at + ".fit");
  out.callbacks = root.callbacks.callbacks();
  if (!section.callbacks.is_null()) {
    CallbacksPart part;
    part.from_config(section.callbacks, at + ".callbacks");
    out.callbacks = part.callbacks();
  }
  return out;
}

/// A value for each epoch: those of every so many epochs in their places.
std::vector<double> spread(
    const std::vector<double>& values, std::size_t epochs) {
  std::vector<double> out(epochs, std::numeric_limits<double>::quiet_NaN());
  if (values.empty()) return out;
  const std::size_t every = epochs / values.size();
  for (std::size_t i = 0; i < values.size(); ++i) {
    out[(i + 1) * every - 1] = values[i];
  }
  return out;
}

}  // namespace

void PhasesPart::make(const Config& config, const std::string& where) {
  if (!config.is_array() || config.size() == 0) {
    throw InvalidArgument(format(
        "[{}] expected a list of phases, got {}",
        where,
        config.is_array() ? "an empty one" : config.kind()));
  }
  for (std::size_t i = 0; i < config.size(); ++i) {
    PhaseSection().from_config(
        config.as_array()[i], format("{}[{}]", where, i));
  }
}

std::vector<Phase> phases_of(const Root& root) {
  if (!root.phases.given()) {
    return {{{}, {}, read_fit(root, {}, "$.fit"), root.callbacks.callbacks()}};
  }
  const Config list = root.phases.to_config();
  std::vector<Phase> out;
  for (std::size_t i = 0; i < list.size(); ++i) {
    out.push_back(phase_of(root, list.as_array()[i], place(i)));
  }
  return out;
}

void append(History& history, const History& more) {
  if (history.epoch.empty()) {
    history = more;
    return;
  }
  const std::size_t before = history.epoch.size();
  const std::size_t after = more.epoch.size();
  history.epoch.insert(
      history.epoch.end(), more.epoch.begin(), more.epoch.end());
  for (auto& [name, values] : history.history) {
    values = spread(values, before);
    const std::vector<double> added =
        spread(more.contains(name) ? more[name] : std::vector<double>(), after);
    values.insert(values.end(), added.begin(), added.end());
  }
  for (const auto& [name, values] : more.history) {
    if (history.contains(name)) continue;
    std::vector<double> all = spread({}, before);
    const std::vector<double> added = spread(values, after);
    all.insert(all.end(), added.begin(), added.end());
    history.history.emplace_back(name, std::move(all));
  }
}

}  // namespace keratin::experiment
