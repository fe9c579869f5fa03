// How the versions before 3 noted the arguments of compile.

#include "models/legacy/dialect.hpp"

namespace keratin::legacy {

namespace {

/// 1 / (1 + decay * step): what `decay` meant.
Config decayed(const Config& rate, double decay) {
  return Config::object(
      {{"module", "keras.optimizers.schedules"},
       {"class_name", "InverseTimeDecay"},
       {"config",
        Config::object(
            {{"initial_learning_rate", rate},
             {"decay_steps", 1},
             {"decay_rate", decay},
             {"staircase", false},
             {"name", "InverseTimeDecay"}})}});
}

Config optimizer(const Config& written) {
  if (!written.is_object()) return written;
  Config out = written;
  std::string name = written.get("class_name", "").as_string();
  if (const std::size_t at = name.find('>'); at != std::string::npos) {
    name = name.substr(at + 1);
  }
  if (name.starts_with("Experimental")) name = name.substr(12);
  out["class_name"] = name;
  Config* config = out.find("config");
  if (config == nullptr || !config->is_object()) return out;
  if (const Config* rate = config->find("lr")) {
    const Config value = *rate;
    config->erase("lr");
    (*config)["learning_rate"] = value;
  }
  for (const char* key : {"decay", "initial_decay"}) {
    const Config decay = config->get(key);
    if (decay.is_number() && decay.as_number() != 0 &&
        config->get("learning_rate").is_number()) {
      (*config)["learning_rate"] =
          decayed(config->get("learning_rate"), decay.as_number());
    }
    config->erase(key);
  }
  for (const char* key :
       {"schedule_decay", "is_legacy_optimizer", "jit_compile"}) {
    config->erase(key);
  }
  // Null meant the default.
  if (const Config* epsilon = config->find("epsilon");
      epsilon != nullptr && epsilon->is_null()) {
    config->erase("epsilon");
  }
  if (const Config* loss_scale = config->find("inner_optimizer")) {
    (*config)["inner_optimizer"] = optimizer(*loss_scale);
  }
  return out;
}

/// "auto" and what Keras 2 called the way of summing up.
Config loss(const Config& written) {
  Config out = written;
  if (out.is_array()) {
    for (Config& item : out.as_array()) item = loss(item);
    return out;
  }
  Config* config = out.find("config");
  if (config == nullptr || !out.contains("class_name")) {
    if (out.is_object() && !out.contains("class_name")) {
      for (auto& [name, item] : out.as_object()) item = loss(item);
    }
    return out;
  }
  if (config->is_object()) {
    for (const char* key : {"fn", "axis"}) {
      if (key == std::string("axis") && config->get(key) != Config(-1))
        continue;
      config->erase(key);
    }
    if (config->get("reduction") == Config("auto")) {
      (*config)["reduction"] = "sum_over_batch_size";
    }
  }
  return out;
}

/// Keras 2 put the names of one output's metrics into a list of lists.
Config metrics(const Config& written) {
  if (written.is_array() && written.size() == 1 &&
      written.as_array()[0].is_array()) {
    return written.as_array()[0];
  }
  return written;
}

}  // namespace

Config compile_config_of(const Config& training_config) {
  Config out = Config::object();
  const Config* own = training_config.find("optimizer_config");
  // The .keras files of Keras 2.12 and later have Keras 3's keys.
  if (own == nullptr) own = training_config.find("optimizer");
  out["optimizer"] = own != nullptr ? optimizer(*own) : Config();
  out["loss"] = loss(training_config.get("loss"));
  out["loss_weights"] = training_config.get("loss_weights");
  out["metrics"] = metrics(training_config.get("metrics"));
  out["weighted_metrics"] = metrics(training_config.get("weighted_metrics"));
  return out;
}

}  // namespace keratin::legacy
