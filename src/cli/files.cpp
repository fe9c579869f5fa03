// Commands on model files: convert, inspect, plot.

#include <algorithm>
#include <filesystem>
#include <iostream>
#include <memory>

#include <keratin/error.hpp>
#include <keratin/files.hpp>
#include <keratin/model.hpp>

#include "src/cli/commands.hpp"

namespace keratin::cli {

namespace {

std::string size_text(std::int64_t bytes) {
  constexpr std::int64_t kThousand = 1000;
  const char* const units[] = {"bytes", "kB", "MB", "GB"};
  double value = static_cast<double>(bytes);
  std::size_t unit = 0;
  while (value >= kThousand && unit + 1 < std::size(units)) {
    value /= kThousand;
    ++unit;
  }
  char text[32];
  std::snprintf(text, sizeof text, unit == 0 ? "%.0f" : "%.1f", value);
  return std::string(text) + " " + units[unit];
}

/// Names come from a file: only what can be printed is.
std::string shown(const Config& text) {
  constexpr std::size_t kLongest = 60;
  std::string out;
  for (const char c : text.is_string() ? text.as_string() : text.dump()) {
    const auto code = static_cast<unsigned char>(c);
    out += code < 32 || code == 127 ? '?' : c;
    if (out.size() == kLongest) return out + "...";
  }
  return out;
}

void print_layers(const Config& layers) {
  std::size_t width = 4;
  for (const Config& layer : layers.as_array()) {
    width = std::max(width, shown(layer.at("name")).size());
  }
  std::cout << "\nlayers (" << layers.size() << ")\n";
  for (const Config& layer : layers.as_array()) {
    std::string name = shown(layer.at("name"));
    name.resize(std::max(width, name.size()), ' ');
    std::cout << "  " << name;
    if (const Config* class_name = layer.find("class_name")) {
      std::cout << "  " << shown(*class_name);
      if (!layer.at("known").as_bool()) std::cout << "  (unknown here)";
    }
    if (const Config* shape = layer.find("shape")) {
      std::cout << "  " << shape->dump();
    }
    if (const Config* weights = layer.find("weights")) {
      std::cout << "  " << weights->as_int() << " weights";
    }
    std::cout << "\n";
  }
}

void print_report(const Config& report, bool arrays) {
  std::cout << shown(report.at("file")) << ": " << report.at("kind").as_string()
            << "\n";
  if (!report.at("written_by").is_null()) {
    std::cout << "  written by  " << shown(report.at("written_by")) << "\n";
  }
  if (const Config* date = report.find("date_saved");
      date != nullptr && date->is_string()) {
    std::cout << "  saved       " << shown(*date) << "\n";
  }
  std::cout << "  size        " << size_text(report.at("size_bytes").as_int())
            << "\n";
  if (const Config* parameters = report.find("parameters")) {
    std::cout << "  parameters  " << parameters->as_int() << " in "
              << report.at("arrays").size() << " arrays\n";
  }
  if (const Config* state = report.find("optimizer_numbers");
      state != nullptr && state->as_int() > 0) {
    std::cout << "  optimizer   " << state->as_int() << " numbers of state\n";
  }
  if (report.at("layers").size() > 0) print_layers(report.at("layers"));
  if (arrays && report.at("arrays").size() > 0) {
    std::cout << "\narrays\n";
    for (const Config& array : report.at("arrays").as_array()) {
      std::cout << "  " << shown(array.at("path")) << "  "
                << array.at("dtype").as_string() << " "
                << array.at("shape").dump() << "\n";
    }
  }
  if (report.at("checks").size() > 0) std::cout << "\nchecks\n";
  for (const Config& check : report.at("checks").as_array()) {
    const std::string& message = check.at("message").as_string();
    std::cout << (check.at("ok").as_bool() ? "  ok    " : "  FAIL  ")
              << check.at("check").as_string()
              << (message.empty() ? "" : ": " + message) << "\n";
  }
}

bool all_ok(const Config& report) {
  const Config::Array& checks = report.at("checks").as_array();
  return std::all_of(checks.begin(), checks.end(), [](const Config& check) {
    return check.at("ok").as_bool();
  });
}

}  // namespace

void add_inspect(CLI::App& app, Action& run) {
  struct Options {
    std::string path;
    bool json = false;
    bool arrays = false;
  };

  CLI::App* const command = app.add_subcommand(
      "inspect", "What a model file is, who wrote it, what is in it");
  const auto options = std::make_shared<Options>();
  command->add_option("file", options->path, "Any file of Keras's")
      ->type_name("FILE")
      ->required();
  command->add_flag("--arrays", options->arrays, "List every array");
  command->add_flag("--json", options->json, "As JSON");
  command->callback([&run, options] {
    run = [options] {
      const Config report = inspect_file(options->path);
      if (options->json) {
        std::cout << report.dump(2) << "\n";
      } else {
        print_report(report, options->arrays);
      }
      return all_ok(report) ? 0 : kFailure;
    };
  });
}

void add_convert(CLI::App& app, Action& run) {
  struct Options {
    std::string from;
    std::string to;
    std::string model;
  };

  CLI::App* const command = app.add_subcommand(
      "convert", "A model file of any Keras in another form");
  const auto options = std::make_shared<Options>();
  command->add_option("in", options->from, "A file of Keras's")
      ->type_name("IN")
      ->required();
  command
      ->add_option(
          "out",
          options->to,
          "By its ending: .keras, .h5 (Keras 2), .weights.h5 (Keras 3), "
          "_weights.h5 (Keras 2), .json, .keras2.json")
      ->type_name("OUT")
      ->required();
  command
      ->add_option(
          "--model", options->model, "The model that IN holds the weights of")
      ->type_name("FILE");
  command->callback([&run, options] {
    run = [options] {
      convert_file(options->from, options->to, options->model);
      return 0;
    };
  });
}

void add_plot(CLI::App& app, Action& run) {
  struct Options {
    std::string file;
    std::string out = "model.svg";
    PlotOptions plot;
    bool no_shapes = false;
  };

  CLI::App* const command = app.add_subcommand(
      "plot", "The graph of layers as a picture, by Graphviz");
  const auto options = std::make_shared<Options>();
  command
      ->add_option("file", options->file, "A model, a config or Keras's JSON")
      ->type_name("FILE")
      ->required();
  command
      ->add_option("-o,--output", options->out, "model.svg, .png, .pdf or .dot")
      ->type_name("FILE");
  command->add_flag(
      "--nested", options->plot.expand_nested, "Draw the models inside");
  command->add_flag("--dtype", options->plot.show_dtype, "Show dtypes");
  command->add_flag("--no-shapes", options->no_shapes, "Leave shapes out");
  command->add_option("--rankdir", options->plot.rankdir, "TB, LR, BT or RL")
      ->type_name("DIR");
  command->callback([&run, options] {
    run = [options] {
      options->plot.show_shapes = !options->no_shapes;
      const Model model = model_of_file(options->file);
      if (!plot_model(model, options->out, options->plot)) {
        // Not a failure: the graph is there for Graphviz elsewhere.
        const std::string dot =
            std::filesystem::path(options->out).replace_extension("dot");
        std::cout << options->out << " was not drawn: no Graphviz here; wrote "
                  << dot << " instead, which 'dot -O -T"
                  << std::filesystem::path(options->out)
                         .extension()
                         .string()
                         .substr(1)
                  << ' ' << dot << "' draws\n";
      }
      return 0;
    };
  });
}

}  // namespace keratin::cli
