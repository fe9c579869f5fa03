// Files of Keras 2: written and read, matched, refused.

#include <doctest/doctest.h>

#include <chrono>

#include <keratin/error.hpp>
#include <keratin/files.hpp>
#include <keratin/layers.hpp>
#include <keratin/model.hpp>
#include <keratin/optimizers.hpp>

#include "src/io/atomic_file.hpp"
#include "src/io/hdf5_writer.hpp"
#include "tests/support/files.hpp"
#include "tests/support/paths.hpp"
#include "tests/support/skip.hpp"
#include "tests/support/throws.hpp"

using namespace keratin;          // NOLINT
using namespace keratin::layers;  // NOLINT
using keratin::testing::message_of;
using keratin::testing::read_file;
using keratin::testing::TempDir;
using keratin::testing::write_file;

namespace {

Tensor ramp(const Shape& shape) {
  std::vector<float> values(static_cast<std::size_t>(shape.size()));
  for (std::size_t i = 0; i < values.size(); ++i) {
    values[i] = 0.1F * static_cast<float>(i % 13) - 0.6F;
  }
  return Tensor(values, shape);
}

Model nested_model() {
  const Model base(Sequential(
      {Input({6, 6, 3}),
       Conv2D(4, {3, 3}, {.name = "conv"}),
       BatchNormalization({.name = "norm"})},
      "base"));
  const SymbolicTensor x = Input({6, 6, 3}, {.name = "image"});
  auto h = Flatten()(base(x));
  return Model(x, Dense(3, {.activation = "softmax", .name = "out"})(h));
}

Sequential two_layers(std::int64_t units) {
  return Sequential(
      {Input({4}), Dense(units, {.name = "a"}), Dense(2, {.name = "b"})});
}

}  // namespace

TEST_CASE("A model in a .h5 file loads with the same predictions") {
  const TempDir dir;
  Model model = nested_model();
  const std::string path = (dir / "model.h5").string();
  model.save(path);
  Model loaded = load_model(path);
  const Tensor x = ramp({5, 6, 6, 3});
  CHECK(loaded.predict(x) == model.predict(x));
  CHECK(loaded.to_json() == model.to_json());
}

TEST_CASE("Training goes on from a .h5 file as if it had not stopped") {
  const TempDir dir;
  Model model = two_layers(5);
  model.compile({.optimizer = "adam", .loss = "mse"});
  const Tensor x = ramp({8, 4});
  const Tensor y = ramp({8, 2});
  model.train_on_batch(x, y);
  model.train_on_batch(x, y);
  const std::string path = (dir / "model.h5").string();
  model.save(path);
  Model loaded = load_model(path);
  CHECK(loaded.optimizer().impl().iterations() == 2);
  model.train_on_batch(x, y);
  loaded.train_on_batch(x, y);
  CHECK(loaded.get_weights() == model.get_weights());
}

TEST_CASE("Weights alone load by structure, whatever the names") {
  const TempDir dir;
  const std::string path = (dir / "some.h5").string();
  const Model model = two_layers(5);
  model.save_weights(path);
  Model other = Sequential({Input({4}), Dense(5), Dropout(0.5), Dense(2)});
  other.load_weights(path);
  CHECK(other.get_weights() == model.get_weights());
}

TEST_CASE("by_name takes the layers of the same name alone") {
  const TempDir dir;
  const std::string path = (dir / "some.h5").string();
  const Model model = two_layers(5);
  model.save_weights(path);
  Model other = Sequential(
      {Input({4}), Dense(5, {.name = "a"}), Dense(7, {.name = "other"})});
  const Tensor before = other.get_layer("other").get_weights()[0];
  other.load_weights(path, {.by_name = true});
  CHECK(
      other.get_layer("a").get_weights() == model.get_layer("a").get_weights());
  CHECK(other.get_layer("other").get_weights()[0] == before);
}

TEST_CASE("A mismatch lists every weight with both shapes, changing none") {
  const TempDir dir;
  const std::string path = (dir / "some.h5").string();
  two_layers(5).save_weights(path);
  Model other = two_layers(6);
  const std::vector<Tensor> before = other.get_weights();
  const std::string message =
      message_of<InvalidArgument>([&] { other.load_weights(path); });
  CHECK(message.find("3 weights do not fit") != std::string::npos);
  CHECK(
      message.find("file has f32[4,5], model wants f32[4,6]") !=
      std::string::npos);
  CHECK(
      message.find("file has f32[5,2], model wants f32[6,2]") !=
      std::string::npos);
  CHECK(other.get_weights() == before);
  other.load_weights(path, {.skip_mismatch = true});
  CHECK(other.get_weights()[0] == before[0]);
}

TEST_CASE("A layer that the file lacks and one that it has too many are said") {
  const TempDir dir;
  const std::string path = (dir / "some.h5").string();
  two_layers(5).save_weights(path);
  Model other = Sequential({Input({4}), Dense(5, {.name = "c"})});
  const std::string message =
      message_of<InvalidArgument>([&] { other.load_weights(path); });
  CHECK(
      message.find("c: missing in the file, model wants f32[4,5]") !=
      std::string::npos);
  CHECK(message.find("unexpected, file has f32[5,2]") != std::string::npos);
}

TEST_CASE("weight_names may be split over several attributes") {
  const TempDir dir;
  const Model model = two_layers(5);
  const std::vector<Tensor> weights = model.get_weights();
  h5::Writer writer;
  writer.attr("/", "layer_names0", std::vector<std::string>{"a"});
  writer.attr("/", "layer_names1", std::vector<std::string>{"b"});
  writer.attr("/", "keras_version", "2.3.1");
  writer.group("a");
  writer.dataset("a/k", weights[0]);
  writer.dataset("a/z", weights[1]);
  writer.attr("a", "weight_names0", std::vector<std::string>{"k"});
  writer.attr("a", "weight_names1", std::vector<std::string>{"z"});
  writer.group("b");
  writer.dataset("b/z", weights[2]);
  writer.dataset("b/k", weights[3]);
  writer.attr("b", "weight_names", std::vector<std::string>{"z", "k"});
  const std::string path = (dir / "some.h5").string();
  io::write_file(path, writer.finish());
  Model other = two_layers(5);
  other.load_weights(path);
  CHECK(other.get_weights() == weights);
}

TEST_CASE("Files that are no models are refused with what they are") {
  const TempDir dir;

  struct Case {
    const char* content;
    const char* message;
  };

  const Case cases[] = {
      {"", "empty"},
      {"version https://git-lfs.github.com/spec/v1\noid", "git-lfs"},
      {"<!DOCTYPE html><html>", "HTML"},
      {"<?xml version=\"1.0\"?><Error>", "XML"},
      {"just a note\n", "a text: \"just a note\""},
      {"\x80\x04\x95 pickle", "Python pickle"},
      {"{\"class_name\": \"Sequential\"}", "without weights"},
  };
  for (const Case& item : cases) {
    const std::string path = (dir / "model.h5").string();
    write_file(path, item.content);
    const std::string message =
        message_of<InvalidArgument>([&] { load_model(path); });
    CAPTURE(message);
    CHECK(message.find(item.message) != std::string::npos);
  }
}

TEST_CASE("Outside files that are no models are refused in words") {
  const auto folder = testing::data_dir() / "models" / "negative";
  if (!std::filesystem::exists(folder)) KERATIN_SKIP("no outside data");
  for (const auto& entry : std::filesystem::directory_iterator(folder)) {
    if (entry.path().extension() != ".h5") continue;
    const std::string message =
        message_of<InvalidArgument>([&] { load_model(entry.path().string()); });
    const std::string name = entry.path().filename().string();
    CAPTURE(name);
    CAPTURE(message);
    const char* const word = name.starts_with("truncated") ? "truncated"
                             : name.starts_with("git_lfs") ? "git-lfs"
                             : name.starts_with("text")    ? "a text"
                                                           : "XML";
    CHECK(message.find(word) != std::string::npos);
  }
}

TEST_CASE("Outside files that attack their reader are refused, soon") {
  const auto folder = testing::data_dir() / "models" / "hostile";
  if (!std::filesystem::exists(folder)) KERATIN_SKIP("no outside data");
  for (const auto& entry : std::filesystem::directory_iterator(folder)) {
    const std::string name = entry.path().filename().string();
    if (name == "INDEX.md") continue;
    CAPTURE(name);
    const auto start = std::chrono::steady_clock::now();
    const std::string message =
        message_of<Error>([&] { load_model(entry.path().string()); });
    const std::chrono::duration<double> elapsed =
        std::chrono::steady_clock::now() - start;
    CHECK(elapsed.count() < 5);
    const bool loaded = message == "(nothing thrown)";
    CHECK(loaded == (name.find("harmless") != std::string::npos));
    CHECK(message.size() < 2000);
  }
}

TEST_CASE("inspect tells what a file is, unknown layers named as such") {
  const TempDir dir;
  const std::string path = (dir / "model.json").string();
  write_file(
      path,
      R"({"class_name": "Sequential", "keras_version": "1.2.2", "config": [
          {"class_name": "BatchNormalization",
           "config": {"name": "c", "mode": 2}},
          {"class_name": "SomebodysOwn", "config": {"name": "own"}}]})");
  const Config report = inspect_file(path);
  CHECK(report.at("written_by") == Config("Keras 1.2.2"));
  CHECK(report.at("layers").as_array()[0].at("known") == Config(true));
  CHECK(report.at("layers").as_array()[1].at("known") == Config(false));
  CHECK(report.at("checks").as_array()[0].at("ok") == Config(false));
}

TEST_CASE("A model is drawn as Graphviz reads it") {
  const std::string dot = model_to_dot(nested_model());
  CHECK(dot.starts_with("digraph"));
  CHECK(dot.find("\"image\" -> \"base\"") != std::string::npos);
  CHECK(dot.find("\"flatten") != std::string::npos);
  const std::string expanded =
      model_to_dot(nested_model(), {.expand_nested = true});
  CHECK(expanded.find("\"base/conv\" -> \"base/norm\"") != std::string::npos);
}

TEST_CASE("convert goes between all forms") {
  const TempDir dir;
  Model model = nested_model();
  const auto at = [&](const char* name) { return (dir / name).string(); };
  model.save(at("a.keras"));
  convert_file(at("a.keras"), at("b.h5"));
  convert_file(at("b.h5"), at("c.keras"));
  convert_file(at("c.keras"), at("d.keras2.json"));
  convert_file(at("d.keras2.json"), at("e.json"));
  convert_file(at("b.h5"), at("f.weights.h5"));
  convert_file(at("f.weights.h5"), at("g.h5"), at("e.json"));
  const Tensor x = ramp({2, 6, 6, 3});
  CHECK(load_model(at("c.keras")).predict(x) == model.predict(x));
  CHECK(load_model(at("g.h5")).predict(x) == model.predict(x));
  const std::string message = message_of<InvalidArgument>(
      [&] { convert_file(at("a.keras"), at("a.onnx")); });
  CHECK(message.find(".keras2.json") != std::string::npos);
}
