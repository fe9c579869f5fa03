// Every kind of model file, damaged: it loads or ends in one of our errors,
// soon, and takes memory in proportion to itself.

#include "tests/support/damage.hpp"

#include <doctest/doctest.h>
#include <unistd.h>

#include <chrono>
#include <cstdlib>
#include <functional>

#include <keratin/error.hpp>
#include <keratin/files.hpp>
#include <keratin/layers.hpp>
#include <keratin/model.hpp>

#include "src/core/log.hpp"
#include "src/io/atomic_file.hpp"
#include "src/io/hdf5_writer.hpp"
#include "tests/support/allocations.hpp"
#include "tests/support/files.hpp"
#include "tests/support/paths.hpp"
#include "tests/support/throws.hpp"

using namespace keratin;          // NOLINT
using namespace keratin::layers;  // NOLINT
using keratin::testing::AllocationPeak;
using keratin::testing::change_bytes;
using keratin::testing::cut_at_every_percent;
using keratin::testing::message_of;
using keratin::testing::read_file;
using keratin::testing::TempDir;
using keratin::testing::write_file;

namespace {

/// Some 20,000 files are written: in memory, where the system has a folder for
/// it.
[[maybe_unused]] const bool kInMemory =
    ::access("/dev/shm", W_OK) == 0 && ::setenv("TMPDIR", "/dev/shm", 0) == 0;

constexpr double kMaxSeconds = 5;

/// A model's own objects, however small its file: layers, graphs, optimizers.
constexpr std::size_t kFloorBytes = 1U << 20;

using Load = std::function<void(const std::string& path)>;

/// Reads a file truncated at every 1 %, then with bytes changed.
void damage(const std::string& path, const Load& load) {
  const std::string good = read_file(path);
  load(path);
  int refused = 0;
  int loaded = 0;
  const auto attempt = [&](const std::string& bytes) {
    write_file(path, bytes);
    const LogCapture quiet;  // of models that load without their optimizer
    const auto start = std::chrono::steady_clock::now();
    const AllocationPeak peak;
    try {
      load(path);
      ++loaded;
    } catch (const Error& error) {
      ++refused;
      CHECK(std::string_view(error.what()).size() < 20000);
    }
    const std::size_t bytes_taken = peak.bytes();
    const std::chrono::duration<double> elapsed =
        std::chrono::steady_clock::now() - start;
    CHECK(bytes_taken <= 10 * good.size() + kFloorBytes);
    CHECK(elapsed.count() < kMaxSeconds);
  };
  cut_at_every_percent(good, attempt);
  CHECK(refused == 100);
  change_bytes(good, attempt);
  CHECK(refused > 200);  // else nothing was damaged at all
  CHECK(loaded > 0);
  write_file(path, good);
}

Model small_model() {
  const Model base(Sequential(
      {Input({5, 5, 2}),
       Conv2D(3, 2, {.name = "conv"}),
       BatchNormalization({.name = "norm"})},
      "base"));
  const SymbolicTensor x = Input({5, 5, 2}, {.name = "image"});
  const auto rows = Reshape({4, 12})(base(x));
  return Model(x, Dense(2, {.name = "out"})(LSTM(3, {.name = "lstm"})(rows)));
}

Model compiled_model() {
  Model model = small_model();
  model.compile({.optimizer = "adam", .loss = "mse"});
  model.train_on_batch(
      Tensor::full(DType::f32, {2, 5, 5, 2}, 0.5), Tensor(DType::f32, {2, 2}));
  return model;
}

const Load kModel = [](const std::string& path) { load_model(path); };
const Load kWeights = [](const std::string& path) {
  static Model model = small_model();
  model.load_weights(path);
};
const Load kJson = [](const std::string& path) {
  model_from_json(read_file(path));
};

constexpr const char* kKeras1 = R"({"class_name": "Sequential", "config": [
  {"class_name": "Convolution2D", "config": {"name": "conv", "nb_filter": 3,
    "nb_row": 2, "nb_col": 2, "init": "glorot_uniform", "bias": true,
    "border_mode": "valid", "subsample": [1, 1], "dim_ordering": "th",
    "W_regularizer": {"name": "WeightRegularizer", "l1": 0.0, "l2": 0.5},
    "batch_input_shape": [null, 2, 5, 5], "input_dtype": "float32",
    "activation": "relu", "trainable": true}},
  {"class_name": "ZeroPadding2D", "config": {"name": "pad",
    "dim_ordering": "th", "padding": {"top_pad": 1}}},
  {"class_name": "Reshape", "config": {"name": "rows",
    "target_shape": [3, 20]}},
  {"class_name": "LSTM", "config": {"name": "lstm", "output_dim": 2,
    "init": "glorot_uniform", "inner_init": "orthogonal", "activation": "tanh",
    "forget_bias_init": "one", "inner_activation": "hard_sigmoid",
    "return_sequences": false, "go_backwards": false, "stateful": false,
    "unroll": false, "consume_less": "cpu", "dropout_W": 0.0,
    "dropout_U": 0.0, "input_dim": 20, "input_length": 3}}]})";

/// As Keras 1 wrote it: Theano's kernels, an array for each gate.
void write_keras1(const std::string& path) {
  h5::Writer writer;
  writer.attr("/", "keras_version", "1.2.2");
  writer.attr("/", "model_config", Config::parse(kKeras1).dump());
  const std::string root = "model_weights";
  const auto layer = [&](const std::string& name,
                         const std::vector<Shape>& shapes) {
    std::vector<std::string> names;
    writer.group(root + "/" + name);
    for (const Shape& shape : shapes) {
      names.push_back(name + "_w" + std::to_string(names.size()));
      writer.dataset(
          root + "/" + name + "/" + names.back(),
          Tensor::full(DType::f32, shape, 0.25));
    }
    writer.attr(root + "/" + name, "weight_names", names);
  };
  writer.group(root);
  layer("conv", {{3, 2, 2, 2}, {3}});
  layer("pad", {});
  layer("rows", {});
  std::vector<Shape> gates;
  for (int gate = 0; gate < 4; ++gate) {
    for (const Shape& shape : {Shape{20, 2}, Shape{2, 2}, Shape{2}}) {
      gates.push_back(shape);
    }
  }
  layer("lstm", gates);
  writer.attr(
      root,
      "layer_names",
      std::vector<std::string>{"conv", "pad", "rows", "lstm"});
  io::write_file(path, writer.finish());
}

}  // namespace

TEST_CASE("A damaged .keras file loads or ends in an error") {
  const TempDir dir;
  const std::string path = (dir / "model.keras").string();
  compiled_model().save(path);
  damage(path, kModel);
}

TEST_CASE("A damaged .weights.h5 file loads or ends in an error") {
  const TempDir dir;
  const std::string path = (dir / "some.weights.h5").string();
  small_model().save_weights(path);
  damage(path, kWeights);
}

TEST_CASE("Damaged sharded weights load or end in an error") {
  const TempDir dir;
  const auto at = [&](const char* name) { return (dir / name).string(); };
  const auto model = [] {
    return Sequential(
        {Input({6}), Dense(5, {.name = "a"}), Dense(4, {.name = "b"})});
  };
  const std::vector<Tensor> weights = model().get_weights();
  Config map = Config::object();
  for (const std::string name : {"dense", "dense_1"}) {
    const std::size_t first = name == "dense" ? 0 : 2;
    h5::Writer writer;
    const std::string group = "layers/" + name + "/vars";
    writer.group(group);
    writer.dataset(group + "/0", weights[first]);
    writer.dataset(group + "/1", weights[first + 1]);
    const std::string shard = name + ".weights.h5";
    io::write_file(at(shard.c_str()), writer.finish());
    map["/" + group] = Config::array({shard});
  }
  write_file(
      at("some.weights.json"),
      Config::object({{"metadata", Config::object({{"total_size", 236}})},
                      {"weight_map", map}})
          .dump());
  const Load load = [&](const std::string&) {
    Model into = model();
    into.load_weights(at("some.weights.json"));
  };
  SUBCASE("in the list") {
    damage(at("some.weights.json"), load);
  }
  SUBCASE("in a shard") {
    damage(at("dense_1.weights.h5"), load);
  }
}

TEST_CASE("A damaged whole model of Keras 2 loads or ends in an error") {
  const TempDir dir;
  const std::string path = (dir / "model.h5").string();
  compiled_model().save(path);
  damage(path, kModel);
}

TEST_CASE("A damaged weights file of Keras 2 loads or ends in an error") {
  const TempDir dir;
  const std::string path = (dir / "some.h5").string();
  small_model().save_weights(path);
  damage(path, kWeights);
}

TEST_CASE("A damaged whole model of Keras 1 loads or ends in an error") {
  const TempDir dir;
  const std::string path = (dir / "model.h5").string();
  write_keras1(path);
  damage(path, kModel);
}

TEST_CASE("Damaged architectures load or end in an error") {
  const TempDir dir;
  const std::string path = (dir / "model.json").string();
  SUBCASE("of Keras 1") {
    write_file(path, kKeras1);
  }
  SUBCASE("of Keras 2") {
    write_file(path, to_keras2_json(small_model()));
  }
  SUBCASE("of Keras 3") {
    write_file(path, small_model().to_json());
  }
  damage(path, kJson);
}

TEST_CASE("A shape in a file is compared before memory is taken") {
  // Kernels of 40 GB, of which the file holds not a byte.
  const std::string path = testing::fixture("legacy/huge_shapes.h5").string();
  Model model = Sequential(
      {Input({4}), Dense(5, {.name = "a"}), Dense(2, {.name = "b"})});
  const AllocationPeak peak;
  const std::string message =
      message_of<InvalidArgument>([&] { model.load_weights(path); });
  CHECK(peak.bytes() < 1U << 20);
  CAPTURE(message);
  CHECK(message.find("2 weights do not fit") != std::string::npos);
  for (const char* wanted : {"f32[4,5]", "f32[5,2]"}) {
    CHECK(
        message.find(
            std::string("file has f32[100000,100000], model wants ") +
            wanted) != std::string::npos);
  }
}
