#include "src/cli/pictures.hpp"

#include <algorithm>
#include <cctype>
#include <cstdio>
#include <filesystem>
#include <iostream>
#include <numeric>

#include <keratin/applications.hpp>
#include <keratin/backend.hpp>
#include <keratin/error.hpp>
#include <keratin/image.hpp>
#include <keratin/model.hpp>

#include "src/cli/override.hpp"

namespace keratin::cli {

namespace {

/// Letters and digits alone, small: "MobileNetV2" and "mobilenetv2_1.00_224"
/// begin alike.
std::string plain(const std::string& name) {
  std::string out;
  for (const unsigned char letter : name) {
    if (std::isalnum(letter) != 0) {
      out += static_cast<char>(std::tolower(letter));
    }
  }
  return out;
}

/// How pictures are prepared for the family that a model's name tells.
std::string preprocessing_of(const std::string& model_name) {
  const std::string name = plain(model_name);
  std::string mode;
  std::size_t longest = 0;
  for (const applications::ApplicationInfo& known : applications::list()) {
    const std::string family = plain(known.name);
    if (name.starts_with(family) && family.size() > longest) {
      mode = known.preprocessing;
      longest = family.size();
    }
  }
  if (!mode.empty()) return mode;
  throw InvalidArgument(
      "[predict] the name '" + model_name +
      "' tells no family of models, so how to prepare its pictures is not "
      "known; say --preprocess tf, torch, caffe, or none when its own layers "
      "do it");
}

/// The arguments of the architecture. What --weights and the pictures settle is
/// not among them.
Config arguments_of(const PictureOptions& options) {
  Config arguments = Config::object();
  for (const std::string& text : options.set) {
    const auto [name, value] = parse_override(text, "alpha=0.25");
    if (name == "weights" || name == "include_top" || name == "pooling") {
      throw InvalidArgument(
          "[--set] cannot set " + name + ": " +
          (name == "weights" ? "say --weights FILE"
                             : "pictures are looked at with the top"));
    }
    arguments[name] = value;
  }
  if (!options.weights.empty()) arguments["weights"] = options.weights;
  return arguments;
}

/// The architecture with the widths that weights were published for, whichever
/// fits the file.
Model of_any_width(const std::string& application, Config arguments) {
  std::string problem;
  for (const double alpha : {1.0, 0.75, 0.5, 0.35, 0.25, 1.3, 1.4}) {
    arguments["alpha"] = alpha;
    try {
      return applications::make(application, arguments);
    } catch (const InvalidArgument& error) {
      const std::string_view text = error.what();
      if (!text.starts_with("[load_weights ")) throw;
      if (problem.empty()) problem = text;
    }
  }
  throw InvalidArgument(
      problem +
      "; nor do they fit another published alpha: say what the "
      "weights are of, as in --set alpha=0.6 or --set classes=10");
}

Model model_of(const PictureOptions& options) {
  const std::string& name = options.application;
  if (name.empty()) {
    if (!options.set.empty()) {
      throw InvalidArgument("[--set] expected --application beside it");
    }
    return load_model(options.model, {.compile = false});
  }
  const applications::ApplicationInfo info = applications::info(name);
  if (options.weights.empty() && !info.has_imagenet) {
    throw InvalidArgument(
        "[predict] nobody publishes weights for " + name +
        "; name a file by --weights");
  }
  const Config arguments = arguments_of(options);
  const bool has_width =
      std::ranges::find(info.arguments, "alpha") != info.arguments.end();
  if (has_width && !options.weights.empty() && !arguments.contains("alpha")) {
    return of_any_width(name, arguments);
  }
  return applications::make(name, arguments);
}

struct InputSize {
  std::int64_t height;
  std::int64_t width;
  std::string color_mode;
};

/// What pictures the model takes.
InputSize input_size(const Model& model) {
  const std::vector<SymbolicTensor> inputs = model.inputs();
  const Shape shape = inputs.size() == 1 ? inputs[0].shape() : Shape{};
  if (shape.rank() != 4 || (shape[3] != 3 && shape[3] != 1)) {
    throw InvalidArgument(
        "[predict] expected a model of one input [batch, rows, columns, 3 or "
        "1], got " +
        (inputs.size() == 1 ? shape.str()
                            : std::to_string(inputs.size()) + " inputs"));
  }
  // A model for pictures of any size: as its family was trained.
  constexpr std::int64_t kUsual = 224;
  return {
      shape[1] == kUnknown ? kUsual : shape[1],
      shape[2] == kUnknown ? kUsual : shape[2],
      shape[3] == 1 ? "grayscale" : "rgb"};
}

Tensor read_picture(
    const std::string& path,
    const InputSize& size,
    const PictureOptions& options) {
  const Tensor picture = utils::load_img(
      path,
      {.color_mode = size.color_mode,
       .target_size = {{size.height, size.width}},
       .interpolation = options.interpolation});
  return picture.reshape(
      {1, picture.shape()[0], picture.shape()[1], picture.shape()[2]});
}

std::string line(const char* format, auto... values) {
  char text[200];
  std::snprintf(text, sizeof text, format, values...);
  return text;
}

/// Rank, class and probability of the likeliest classes.
void print_table(const Tensor& scores, const PictureOptions& options) {
  constexpr std::int64_t kImageNetClasses = 1000;
  if (scores.size() == kImageNetClasses) {
    const auto rows = applications::decode_predictions(
        scores.reshape({1, kImageNetClasses}),
        std::min(options.top, kImageNetClasses),
        options.class_index);
    int rank = 0;
    for (const applications::Prediction& guess : rows[0]) {
      std::cout << line(
          "  %2d  %-10s  %-28s  %.4f\n",
          ++rank,
          guess.class_name.c_str(),
          guess.description.c_str(),
          guess.score);
    }
    return;
  }
  std::vector<std::int64_t> order(static_cast<std::size_t>(scores.size()));
  std::iota(order.begin(), order.end(), 0);
  std::ranges::stable_sort(order, [&](std::int64_t a, std::int64_t b) {
    return scores.at(a) > scores.at(b);
  });
  order.resize(std::min(order.size(), static_cast<std::size_t>(options.top)));
  for (std::size_t i = 0; i < order.size(); ++i) {
    std::cout << line(
        "  %2zu  class %-6lld  %.4f\n",
        i + 1,
        static_cast<long long>(order[i]),
        scores.at(order[i]));
  }
}

}  // namespace

bool is_picture(const std::string& path) {
  const std::string ending =
      plain(std::filesystem::path(path).extension().string());
  for (const char* known : {"jpg", "jpeg", "png", "gif", "bmp"}) {
    if (ending == known) return true;
  }
  return false;
}

int predict_pictures(const PictureOptions& options) {
  set_deterministic(true);  // the same every time
  Model model = model_of(options);
  const InputSize size = input_size(model);
  const std::string mode =
      options.preprocess.empty()
          ? preprocessing_of(
                options.application.empty() ? model.name()
                                            : options.application)
          : options.preprocess;
  for (const std::string& path : options.pictures) {
    const Tensor picture = read_picture(path, size, options);
    const Tensor scores =
        model.predict(applications::preprocess_input(picture, mode));
    std::cout << path << "\n";
    print_table(scores.reshape({kUnknown}), options);
  }
  return 0;
}

}  // namespace keratin::cli
