#include <algorithm>
#include <cstdio>
#include <iostream>
#include <memory>
#include <numeric>

#include <keratin/backend.hpp>
#include <keratin/error.hpp>
#include <keratin/io/npy.hpp>
#include <keratin/model.hpp>

#include "src/cli/commands.hpp"
#include "src/cli/data.hpp"
#include "src/cli/draw.hpp"
#include "src/cli/pictures.hpp"

namespace keratin::cli {

namespace {

struct PredictOptions {
  std::vector<std::string> files;  // a model, pictures, or both
  std::string weights;
  std::string model;  // one of the above
  std::string data;
  PictureOptions pictures;
  std::string output;
  std::int64_t draw = 0;
  std::int64_t top = 0;
  std::int64_t batch_size = 32;
};

constexpr std::int64_t kRowsShown = 10;
constexpr std::int64_t kLineWidth = 80;

/// The indices of the largest values of a row, largest first.
std::vector<std::int64_t> largest(const Tensor& row, std::int64_t count) {
  std::vector<std::int64_t> order(static_cast<std::size_t>(row.size()));
  std::iota(order.begin(), order.end(), 0);
  std::stable_sort(
      order.begin(), order.end(), [&](std::int64_t a, std::int64_t b) {
        return row.at(a) > row.at(b);
      });
  order.resize(std::min(order.size(), static_cast<std::size_t>(count)));
  return order;
}

/// Whether rows are scores of classes.
bool are_scores(const Tensor& predictions) {
  return predictions.rank() == 2 && predictions.shape()[1] > 1;
}

/// The class of a row of targets: a number, or the largest of a one-hot row.
std::int64_t class_of(const Tensor& target) {
  return target.size() == 1 ? static_cast<std::int64_t>(target.at(0))
                            : largest(target, 1)[0];
}

std::string line(const char* format, auto... values) {
  char text[160];
  std::snprintf(text, sizeof text, format, values...);
  return text;
}

/// One number for all rows is one prediction.
std::int64_t rows_of(const Tensor& predictions) {
  return predictions.rank() == 0 ? 1 : predictions.shape()[0];
}

void print_rows(const Tensor& predictions, const Tensor& y, std::int64_t top) {
  const std::int64_t rows = rows_of(predictions);
  const std::int64_t shown = std::min(rows, kRowsShown);
  for (std::int64_t i = 0; i < shown; ++i) {
    const Tensor row = predictions.rank() == 0 ? predictions : predictions[i];
    std::cout << line("%5lld:", static_cast<long long>(i));
    if (are_scores(predictions)) {
      for (const std::int64_t k : largest(row, std::max<std::int64_t>(top, 1)))
        std::cout << line(
            "  %lld (%.4f)", static_cast<long long>(k), row.at(k));
    } else {
      for (std::int64_t k = 0; k < std::min<std::int64_t>(row.size(), 8); ++k)
        std::cout << line("  %.6g", row.at(k));
      if (row.size() > 8) std::cout << "  ...";
    }
    if (y.size() > 0 && are_scores(predictions)) {
      std::cout << "   truth " << class_of(y[i].reshape({kUnknown}));
    }
    std::cout << "\n";
  }
  if (rows > shown) {
    std::cout << "... " << rows - shown
              << " more rows; --output FILE.npy writes them all\n";
  }
}

/// Pads a line that takes `width` columns of the terminal.
void pad(std::string& text, std::int64_t width, std::int64_t wanted) {
  if (wanted > width)
    text.append(static_cast<std::size_t>(wanted - width), ' ');
}

void draw_rows(
    const data::Examples& examples,
    const Tensor& predictions,
    std::int64_t count) {
  if (!are_scores(predictions)) {
    throw InvalidArgument("[--draw] expected a model that predicts classes");
  }
  count = std::min(count, predictions.shape()[0]);
  constexpr std::int64_t kCaption = 18;
  constexpr std::int64_t kGap = 2;
  const std::int64_t drawn = drawn_width(examples.x[0]);
  const std::int64_t width = std::max(drawn, kCaption) + kGap;
  const std::int64_t per_line = std::max<std::int64_t>(kLineWidth / width, 1);
  for (std::int64_t first = 0; first < count; first += per_line) {
    const std::int64_t last = std::min(first + per_line, count);
    std::vector<std::string> lines;
    std::string captions;
    for (std::int64_t i = first; i < last; ++i) {
      const std::vector<std::string> picture = draw(examples.x[i]);
      lines.resize(picture.size());
      for (std::size_t k = 0; k < picture.size(); ++k) {
        lines[k] += picture[k];
        pad(lines[k], drawn, width);
      }
      const Tensor row = predictions[i];
      const std::int64_t best = largest(row, 1)[0];
      std::string caption = line(
          "%lld (%.0f %%)", static_cast<long long>(best), 100 * row.at(best));
      if (examples.y.size() > 0) {
        const std::int64_t truth = class_of(examples.y[i].reshape({kUnknown}));
        caption += truth == best
                       ? ", right"
                       : line(", is %lld", static_cast<long long>(truth));
      }
      const auto columns = static_cast<std::int64_t>(caption.size());
      captions += caption;
      pad(captions, columns, width);
    }
    for (const std::string& text : lines) std::cout << text << "\n";
    std::cout << captions << "\n\n";
  }
}

int predict_data(const PredictOptions& options) {
  set_deterministic(true);  // the same every time
  Model model = load_model(options.model, {.compile = false});
  data::Examples examples = collect(read_data(options.data));
  const bool only_some = options.draw > 0 && options.output.empty();
  if (only_some) {
    const std::int64_t count = std::min(options.draw, examples.x.shape()[0]);
    examples.x = examples.x.slice(0, count);
    if (examples.y.size() > 0) examples.y = examples.y.slice(0, count);
  }
  const Tensor predictions =
      model.predict(examples.x, {.batch_size = options.batch_size});
  if (options.draw > 0) draw_rows(examples, predictions, options.draw);
  if (!options.output.empty()) {
    io::save_npy(options.output, predictions);
    std::cout << "wrote " << rows_of(predictions) << " predictions to "
              << options.output << "\n";
  }
  if (options.top > 0 || (options.draw == 0 && options.output.empty())) {
    print_rows(predictions, examples.y, options.top);
  }
  return 0;
}

/// Tells the model from the pictures among what was named.
int predict(PredictOptions options) {
  PictureOptions& pictures = options.pictures;
  options.model = options.weights;
  for (const std::string& file : options.files) {
    if (is_picture(file)) {
      pictures.pictures.push_back(file);
    } else if (options.model.empty() && pictures.application.empty()) {
      options.model = file;
    } else {
      throw InvalidArgument(
          "[predict] expected pictures (.jpg, .png, .gif, .bmp) beside the "
          "model, got '" +
          file + "'");
    }
  }
  if (options.model.empty() && pictures.application.empty()) {
    throw InvalidArgument(
        "[predict] expected a model: a file, or --application NAME");
  }
  if (pictures.pictures.empty() == options.data.empty()) {
    throw InvalidArgument(
        "[predict] expected pictures to look at, or --data DATA, and not both");
  }
  if (pictures.pictures.empty()) {
    if (!pictures.application.empty()) {
      throw InvalidArgument("[predict] --application goes with pictures");
    }
    return predict_data(options);
  }
  if (options.draw > 0 || !options.output.empty()) {
    throw InvalidArgument("[predict] --draw and --output go with --data");
  }
  (pictures.application.empty() ? pictures.model : pictures.weights) =
      options.model;
  if (options.top > 0) pictures.top = options.top;
  return predict_pictures(pictures);
}

}  // namespace

void add_predict(CLI::App& app, Action& run) {
  CLI::App* const command =
      app.add_subcommand("predict", "What a saved model predicts");
  const auto options = std::make_shared<PredictOptions>();
  command
      ->add_option(
          "files", options->files, "The model, and pictures to look at")
      ->type_name("MODEL.keras|PICTURE.jpg");
  command->add_option("--data", options->data, kDataHelp)->type_name("DATA");
  command
      ->add_option(
          "--weights",
          options->weights,
          "The model's file, in place of the first argument; with "
          "--application, its weights")
      ->type_name("FILE.h5");
  PictureOptions& pictures = options->pictures;
  command
      ->add_option(
          "--application",
          pictures.application,
          "An architecture of keras.applications (ImageNet weights unless "
          "--weights says others)")
      ->type_name("NAME")
      ->group("Pictures");
  command
      ->add_option(
          "--set",
          pictures.set,
          "Another argument of the architecture, as in --set alpha=0.25")
      ->type_name("NAME=VALUE")
      ->expected(1)
      ->allow_extra_args(false)
      ->multi_option_policy(CLI::MultiOptionPolicy::TakeAll)
      ->group("Pictures");
  command
      ->add_option(
          "--preprocess",
          pictures.preprocess,
          "How pictures are prepared (default: as the model's family wants)")
      ->check(CLI::IsMember({"tf", "torch", "caffe", "none"}))
      ->group("Pictures");
  command
      ->add_option(
          "--interpolation",
          pictures.interpolation,
          "How pictures are resized, as Pillow does")
      ->capture_default_str()
      ->group("Pictures");
  command
      ->add_option(
          "--class-index",
          pictures.class_index,
          "Names of ImageNet's classes, in Keras's form")
      ->type_name("FILE.json")
      ->group("Pictures");
  command
      ->add_option(
          "-o,--output", options->output, "Write the predictions as an array")
      ->type_name("FILE.npy");
  command
      ->add_option(
          "--draw", options->draw, "Draw the first N pictures in the terminal")
      ->type_name("N")
      ->check(CLI::Range(1, 1000000));
  command->add_option("--top", options->top, "Print the K likeliest classes")
      ->type_name("K")
      ->check(CLI::Range(1, 1000000));
  command->add_option("--batch-size", options->batch_size, "Rows at a time")
      ->check(CLI::Range(1, 1000000))
      ->capture_default_str();
  command->callback(
      [&run, options] { run = [options] { return predict(*options); }; });
}

}  // namespace keratin::cli
