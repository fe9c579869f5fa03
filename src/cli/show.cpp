// Commands that tell: summary, info, schema, list.

#include <algorithm>
#include <fstream>
#include <iostream>
#include <iterator>
#include <memory>

#include <keratin/error.hpp>
#include <keratin/experiment.hpp>
#include <keratin/info.hpp>
#include <keratin/model.hpp>

#include "src/cli/commands.hpp"

namespace keratin::cli {

Model model_of_file(const std::string& path) {
  if (!path.ends_with(".json")) return load_model(path);
  std::ifstream in(path, std::ios::binary);
  if (!in) throw SystemError("[" + path + "] cannot be opened for reading");
  const std::string text{std::istreambuf_iterator<char>(in), {}};
  const Config config = Config::parse(text, path);
  if (config.contains("class_name")) return model_from_json(text);
  if (config.contains("weight_map")) {
    throw InvalidArgument(
        "[" + path +
        "] is the list of sharded weights of Keras 3 (.weights.json), which "
        "load_weights reads into a model; it holds no model itself");
  }
  return Experiment::from_file(path).model();
}

namespace {

constexpr std::size_t kLineWidth = 80;

/// As Python writes it; a serialized object as its name alone.
std::string default_text(const Config& value) {
  if (const Config* name = value.find("class_name")) {
    if (name->is_string() && name->as_string() == "DTypePolicy") {
      return value.at("config").get("name").dump();
    }
    return name->dump();
  }
  if (value.is_null()) return "None";
  if (value.is_bool()) return value.as_bool() ? "True" : "False";
  return value.dump();
}

/// padding="valid"|"same": the default, then the other choices when they are
/// few.
std::string argument_text(
    const std::string& name, const Config& field, const Config* required) {
  constexpr std::size_t kFewChoices = 6;
  bool needed = false;
  if (required != nullptr) {
    for (const Config& item : required->as_array()) {
      needed = needed || item.as_string() == name;
    }
  }
  if (needed) return name;
  Config value = field.get("default");
  if (name == "name" && value == Config("")) value = {};  // made from the class
  std::string text = name + "=" + default_text(value);
  const Config* choices = field.find("enum");
  if (choices == nullptr || choices->size() > kFewChoices) return text;
  for (const Config& choice : choices->as_array()) {
    if (!(choice == value)) text += "|" + choice.dump();
  }
  return text;
}

/// "Dense(units, activation="linear", ...)", wrapped; what all layers take
/// comes last, as in Keras's **kwargs.
std::string signature(const std::string& name, const Config& schema) {
  const Config* properties = schema.find("properties");
  if (properties == nullptr) return name;
  std::vector<std::string> items;
  std::vector<std::string> shared;
  for (const auto& [argument, field] : properties->as_object()) {
    const bool common = argument == "name" || argument == "dtype" ||
                        argument == "trainable" ||
                        argument == "activity_regularizer";
    (common ? shared : items)
        .push_back(argument_text(argument, field, schema.find("required")));
  }
  items.insert(items.end(), shared.begin(), shared.end());
  std::string text = name + "(";
  const std::string indent(std::min<std::size_t>(text.size(), 24), ' ');
  std::size_t column = text.size();
  for (std::size_t i = 0; i < items.size(); ++i) {
    if (i > 0 && column + items[i].size() + 3 > kLineWidth) {
      text += ",\n" + indent;
      column = indent.size();
    } else if (i > 0) {
      text += ", ";
      column += 2;
    }
    text += items[i];
    column += items[i].size();
  }
  return text + ")";
}

struct ListOptions {
  std::string kind;
  std::vector<std::string> names;
};

/// The names under which configs may have a class, too; empty for none.
std::string also(const std::string& name, const Config& aliases) {
  std::string names;
  for (const auto& [alias, of] : aliases.as_object()) {
    if (of == Config(name)) names += (names.empty() ? "" : ", ") + alias;
  }
  return names.empty() ? names : "    also " + names + "\n";
}

int list(const ListOptions& options) {
  if (options.kind.empty()) {
    std::cout << "What can be listed:\n";
    for (const std::string& kind : catalogue_kinds()) {
      std::cout << "  keratin list " << kind << "\n";
    }
    return 0;
  }
  const Config all = catalogue(options.kind);
  const Config aliases = catalogue_aliases(options.kind);
  std::vector<std::string> wanted;
  for (const std::string& name : options.names) {
    const Config* const of = aliases.find(name);
    if (of == nullptr && !all.contains(name)) {
      throw InvalidArgument(
          "[list " + options.kind + "] expected a name in the list, got '" +
          name + "'");
    }
    wanted.push_back(of != nullptr ? of->as_string() : name);
  }
  for (const auto& [name, schema] : all.as_object()) {
    if (!wanted.empty() &&
        std::find(wanted.begin(), wanted.end(), name) == wanted.end()) {
      continue;
    }
    std::cout << signature(name, schema) << "\n" << also(name, aliases);
  }
  return 0;
}

void print_info(const Config& info) {
  std::cout << "keratin " << info.at("version").as_string() << "\n\nbackends\n";
  for (const Config& backend : info.at("backends").as_array()) {
    std::cout << "  " << backend.at("name").as_string() << ": "
              << (backend.at("available").as_bool() ? "" : "not available: ")
              << backend.at("detail").as_string() << "\n";
  }
  const Config& cpu = info.at("cpu");
  std::cout << "\nprocessor\n  " << cpu.at("model").as_string() << "\n  "
            << info.at("threads").as_int() << " threads;";
  for (const Config& feature : cpu.at("features").as_array()) {
    std::cout << " " << feature.as_string();
  }
  if (cpu.at("amx_palette_missing").as_bool()) {
    std::cout << "\n  AMX is announced but not usable; it is left alone";
  }
  std::cout << "\n\nlibraries\n";
  for (const auto& [name, version] : info.at("libraries").as_object()) {
    std::cout << "  " << name << " " << version.as_string() << "\n";
  }
  std::cout << "\nsettings of the environment\n";
  for (const auto& [name, setting] : info.at("settings").as_object()) {
    const Config& value = setting.at("value");
    std::cout << "  " << name
              << (value.is_null() ? "" : "=" + value.as_string()) << "\n      "
              << setting.at("doc").as_string() << "\n";
  }
}

}  // namespace

void add_summary(CLI::App& app, Action& run) {
  CLI::App* const command = app.add_subcommand(
      "summary", "The layers of a saved model or of a config");
  const auto path = std::make_shared<std::string>();
  const auto options = std::make_shared<SummaryOptions>();
  command->add_option("file", *path, "A model, a config or Keras's JSON")
      ->type_name("FILE")
      ->required();
  command->add_flag(
      "--nested", options->expand_nested, "Show the layers of nested models");
  command->add_flag(
      "--trainable", options->show_trainable, "Show which layers train");
  command->callback([&run, path, options] {
    run = [path, options] {
      std::cout << model_of_file(*path).summary(*options) << "\n";
      return 0;
    };
  });
}

void add_info(CLI::App& app, Action& run) {
  CLI::App* const command = app.add_subcommand(
      "info", "Version, backends, processor, libraries and settings");
  const auto json = std::make_shared<bool>(false);
  command->add_flag("--json", *json, "As JSON");
  command->callback([&run, json] {
    run = [json] {
      const Config info = system_info();
      if (*json) {
        std::cout << info.dump(2) << "\n";
      } else {
        print_info(info);
      }
      return 0;
    };
  });
}

void add_schema(CLI::App& app, Action& run) {
  CLI::App* const command = app.add_subcommand(
      "schema", "JSON Schema of configs, for editors and validators");
  command->callback([&run] {
    run = [] {
      std::cout << experiment_schema().dump(2) << "\n";
      return 0;
    };
  });
}

void add_list(CLI::App& app, Action& run) {
  CLI::App* const command = app.add_subcommand(
      "list", "Layers, losses, optimizers, ... with arguments and defaults");
  const auto options = std::make_shared<ListOptions>();
  command
      ->add_option("kind", options->kind, "What to list (none: what there is)")
      ->type_name("KIND");
  command->add_option("names", options->names, "Only these")->type_name("NAME");
  command->callback(
      [&run, options] { run = [options] { return list(*options); }; });
}

}  // namespace keratin::cli
