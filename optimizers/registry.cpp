// Optimizers by Keras's names.

#include <algorithm>
#include <array>
#include <cctype>
#include <utility>

#include <keratin/error.hpp>

#include "optimizers/factories.hpp"
#include "src/core/fields.hpp"
#include "src/core/format.hpp"
#include "src/core/names.hpp"

namespace keratin {

namespace {

struct Entry {
  std::string_view name;
  std::shared_ptr<OptimizerImpl> (*make)();
};

constexpr std::array kOptimizers = {
    Entry{"Adadelta", &optimizers::make_adadelta},
    Entry{"Adafactor", &optimizers::make_adafactor},
    Entry{"Adagrad", &optimizers::make_adagrad},
    Entry{"Adam", &optimizers::make_adam},
    Entry{"AdamW", &optimizers::make_adamw},
    Entry{"Adamax", &optimizers::make_adamax},
    Entry{"Ftrl", &optimizers::make_ftrl},
    Entry{"Lamb", &optimizers::make_lamb},
    Entry{"Lion", &optimizers::make_lion},
    Entry{"LossScaleOptimizer", &optimizers::make_loss_scale_optimizer},
    Entry{"MultiOptimizer", &optimizers::make_multi_optimizer},
    Entry{"Muon", &optimizers::make_muon},
    Entry{"Nadam", &optimizers::make_nadam},
    Entry{"RMSprop", &optimizers::make_rmsprop},
    Entry{"ScheduleFreeAdamW", &optimizers::make_schedule_free_adamw},
    Entry{"SGD", &optimizers::make_sgd},
};

std::string lower(std::string_view text) {
  std::string out(text);
  for (char& c : out) {
    c = static_cast<char>(std::tolower(static_cast<unsigned char>(c)));
  }
  return out;
}

std::shared_ptr<OptimizerImpl> make_optimizer(
    const Config& config, const std::string& where) {
  const SerializedObject object = parse_serialized(config, where);
  // Upper and lower case do not matter in Keras either.
  const std::string name = lower(object.class_name);
  for (const Entry& entry : kOptimizers) {
    if (lower(entry.name) != name) continue;
    std::shared_ptr<OptimizerImpl> impl = entry.make();
    impl->from_config(object.config, where);
    return impl;
  }
  throw InvalidArgument(format(
      "[{}] no optimizer is called '{}'{}",
      where,
      object.class_name,
      did_you_mean(object.class_name, optimizer_names())));
}

}  // namespace

Optimizer::Optimizer(const char* name) : Optimizer(std::string(name)) {}

Optimizer::Optimizer(std::string name)
    : impl_(make_optimizer(Config(std::move(name)), "optimizer")) {}

Optimizer::Optimizer(std::shared_ptr<OptimizerImpl> impl)
    : impl_(std::move(impl)) {
  if (!impl_) throw InvalidArgument("[optimizer] expected one, got null");
}

Config Optimizer::to_config() const {
  return impl_ ? serialize(*impl_) : Config();
}

void Optimizer::from_config(const Config& config, const std::string& where) {
  impl_ = config.is_null() ? nullptr : make_optimizer(config, where);
}

Config Optimizer::schema() const {
  Config choices = Config::array();
  Config objects = Config::array();
  for (const Entry& entry : kOptimizers) {
    choices.push_back(lower(entry.name));
    choices.push_back(entry.name);
    objects.push_back(Config::object(
        {{"type", "object"},
         {"properties",
          Config::object(
              {{"class_name", Config::object({{"const", Config(entry.name)}})},
               {"config", fields_schema(*entry.make())}})},
         {"required", Config::array({"class_name"})}}));
  }
  Config any = Config::array(
      {Config::object({{"enum", std::move(choices)}}),
       Config::object({{"type", "null"}})});
  for (Config& object : objects.as_array()) any.push_back(std::move(object));
  return Config::object({{"anyOf", std::move(any)}});
}

std::vector<std::string> optimizer_names() {
  std::vector<std::string> names;
  for (const Entry& entry : kOptimizers) names.emplace_back(entry.name);
  std::sort(names.begin(), names.end());
  return names;
}

}  // namespace keratin
