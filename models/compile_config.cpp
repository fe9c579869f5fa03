#include "models/compile_config.hpp"

#include <algorithm>

#include <keratin/error.hpp>

#include "src/core/format.hpp"
#include "src/core/names.hpp"
#include "src/train/trainer_state.hpp"

namespace keratin {

namespace {

template <class T>
Config per_output_config(const PerOutput<T>& settings, auto&& one) {
  if (settings.empty()) return {};
  if (settings.single()) return one(settings.list()[0]);
  Config out = settings.names().empty() ? Config::array() : Config::object();
  for (std::size_t i = 0; i < settings.list().size(); ++i) {
    if (settings.names().empty()) {
      out.push_back(one(settings.list()[i]));
    } else {
      out[settings.names()[i]] = one(settings.list()[i]);
    }
  }
  return out;
}

Config metric_list_config(const MetricSet::List& list) {
  Config out = Config::array();
  for (const Metric& metric : list) out.push_back(metric.to_config());
  return out;
}

Config metrics_config(const MetricSet& set) {
  if (set.empty()) return {};
  if (set.flat()) return metric_list_config(set.lists()[0]);
  Config out = set.names().empty() ? Config::array() : Config::object();
  for (std::size_t i = 0; i < set.lists().size(); ++i) {
    if (set.names().empty()) {
      out.push_back(metric_list_config(set.lists()[i]));
    } else {
      out[set.names()[i]] = metric_list_config(set.lists()[i]);
    }
  }
  return out;
}

/// A name, or an object that says its class: one setting, not one per output.
bool is_single(const Config& config) {
  return !config.is_array() &&
         !(config.is_object() && !config.contains("class_name"));
}

template <class T>
PerOutput<T> read_per_output(
    const Config& config, const std::string& where, auto&& one) {
  if (config.is_null()) return {};
  if (is_single(config)) return PerOutput<T>(one(config, where));
  if (config.is_array()) {
    std::vector<T> list;
    for (std::size_t i = 0; i < config.size(); ++i) {
      list.push_back(one(config.as_array()[i], format("{}[{}]", where, i)));
    }
    return PerOutput<T>(std::move(list));
  }
  std::vector<std::pair<std::string, T>> named;
  for (const auto& [name, item] : config.as_object()) {
    named.emplace_back(name, one(item, where + "." + name));
  }
  return PerOutput<T>(std::move(named));
}

Loss read_loss(const Config& config, const std::string& where) {
  Loss loss;
  loss.from_config(config, where);
  return loss;
}

MetricSet::List read_metric_list(
    const Config& config, const std::string& where) {
  MetricSet::List list;
  if (config.is_null()) return list;
  if (is_single(config)) {
    Metric metric;
    metric.from_config(config, where);
    return {metric};
  }
  for (std::size_t i = 0; i < config.as_array().size(); ++i) {
    Metric metric;
    metric.from_config(config.as_array()[i], format("{}[{}]", where, i));
    list.push_back(metric);
  }
  return list;
}

MetricSet read_metrics(const Config& config, const std::string& where) {
  if (config.is_null()) return {};
  if (is_single(config)) return MetricSet(read_metric_list(config, where));
  if (config.is_object()) {
    std::vector<MetricSet::Named> named;
    for (const auto& [name, item] : config.as_object()) {
      named.emplace_back(name, read_metric_list(item, where + "." + name));
    }
    return MetricSet(std::move(named));
  }
  bool nested = false;
  for (const Config& item : config.as_array()) {
    nested = nested || item.is_array() || item.is_null();
  }
  if (!nested) return MetricSet(read_metric_list(config, where));
  std::vector<MetricSet::List> lists;
  for (std::size_t i = 0; i < config.size(); ++i) {
    lists.push_back(
        read_metric_list(config.as_array()[i], format("{}[{}]", where, i)));
  }
  return MetricSet(std::move(lists));
}

}  // namespace

Config compile_config(const ModelImpl& model) {
  if (!model.compiled()) return Config::object();
  const CompileArguments& arguments = model.compile_arguments();
  const auto loss = [](const Loss& item) { return item.to_config(); };
  const auto number = [](double item) { return Config(item); };
  // As it was given to compile, which may have wrapped it.
  const bool scales_loss = model.trainer_state().scales_loss;
  return Config::object(
      {{"optimizer",
        scales_loss ? arguments.optimizer.impl().inner()[0].second.to_config()
                    : arguments.optimizer.to_config()},
       {"loss", per_output_config(arguments.loss, loss)},
       {"loss_weights", per_output_config(arguments.loss_weights, number)},
       {"metrics", metrics_config(arguments.metrics)},
       {"weighted_metrics", metrics_config(arguments.weighted_metrics)},
       {"run_eagerly", arguments.run_eagerly},
       {"steps_per_execution", arguments.steps_per_execution},
       {"jit_compile", false}});
}

CompileArguments compile_arguments(
    const Config& config, const std::string& where) {
  const std::vector<std::string> known = {
      "optimizer",
      "loss",
      "loss_weights",
      "metrics",
      "weighted_metrics",
      "run_eagerly",
      "steps_per_execution",
      "jit_compile",
      "auto_scale_loss"};
  if (!config.is_object()) {
    throw InvalidArgument(
        format("[{}] expected an object, got {}", where, config.kind()));
  }
  for (const auto& [key, value] : config.as_object()) {
    if (std::find(known.begin(), known.end(), key) == known.end()) {
      throw InvalidArgument(format(
          "[{}] compile has no argument '{}'{}",
          where,
          key,
          did_you_mean(key, known)));
    }
  }
  CompileArguments out;
  if (const Config value = config.get("optimizer"); !value.is_null()) {
    out.optimizer.from_config(value, where + ".optimizer");
  }
  out.loss =
      read_per_output<Loss>(config.get("loss"), where + ".loss", read_loss);
  out.loss_weights = read_per_output<double>(
      config.get("loss_weights"),
      where + ".loss_weights",
      [](const Config& value, const std::string& path) {
        try {
          return value.as_number();
        } catch (const InvalidArgument& error) {
          throw InvalidArgument(format("[{}] {}", path, error.what()));
        }
      });
  out.metrics = read_metrics(config.get("metrics"), where + ".metrics");
  out.weighted_metrics =
      read_metrics(config.get("weighted_metrics"), where + ".weighted_metrics");
  // Says how Keras's backends compile, which changes nothing here.
  const Config jit = config.get("jit_compile", false);
  if (!jit.is_null() && !jit.is_bool() &&
      !(jit.is_string() && jit.as_string() == "auto")) {
    throw InvalidArgument(format(
        "[{}.jit_compile] expected true, false or \"auto\", got {}",
        where,
        jit.dump()));
  }
  try {
    out.run_eagerly = config.get("run_eagerly", false).as_bool();
    out.auto_scale_loss = config.get("auto_scale_loss", true).as_bool();
    out.steps_per_execution = config.get("steps_per_execution", 1).as_int();
  } catch (const InvalidArgument& error) {
    throw InvalidArgument(format("[{}] {}", where, error.what()));
  }
  return out;
}

}  // namespace keratin
