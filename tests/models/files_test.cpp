#include "tests/support/files.hpp"

#include <doctest/doctest.h>
#include <sys/resource.h>
#include <sys/wait.h>
#include <unistd.h>

#include <csignal>
#include <string>
#include <vector>

#include <keratin/error.hpp>
#include <keratin/layers.hpp>
#include <keratin/model.hpp>
#include <keratin/ops.hpp>

#include "tests/support/paths.hpp"
#include "tests/support/throws.hpp"

using namespace keratin;          // NOLINT
using namespace keratin::layers;  // NOLINT
using keratin::testing::message_of;
using keratin::testing::read_file;
using keratin::testing::write_file;

namespace {

Tensor ramp(const Shape& shape) {
  std::vector<float> values(static_cast<std::size_t>(shape.size()));
  for (std::size_t i = 0; i < values.size(); ++i) {
    values[i] = 0.1F * static_cast<float>(i % 13) - 0.6F;
  }
  return Tensor(values, shape);
}

Model small_model() {
  const SymbolicTensor x = Input({8, 8, 3}, {.name = "image"});
  auto h = Conv2D(4, {3, 3}, {.padding = "same", .activation = "relu"})(x);
  h = BatchNormalization()(h);
  h = Add()({h, Conv2D(4, {1, 1})(x)});
  h = GlobalAveragePooling2D()(h);
  h = Dropout(0.5)(h);
  return Model(x, Dense(3, {.activation = "softmax", .name = "out"})(h));
}

}  // namespace

TEST_CASE("A saved model loads with the same predictions, bit for bit") {
  const keratin::testing::TempDir dir;
  Model model = small_model();
  const std::string path = (dir / "model.keras").string();
  model.save(path);
  Model loaded = load_model(path);
  const Tensor x = ramp({5, 8, 8, 3});
  CHECK(loaded.predict(x) == model.predict(x));
  CHECK(loaded.to_json() == model.to_json());
}

TEST_CASE("Training goes on from a file as if it had not stopped") {
  const keratin::testing::TempDir dir;
  Model model = small_model();
  model.compile(
      {.optimizer = optimizers::Adam({.learning_rate = 0.01}),
       .loss = "sparse_categorical_crossentropy",
       .metrics = {"accuracy"}});
  const Tensor x = ramp({6, 8, 8, 3});
  const Tensor y(std::vector<std::int64_t>{0, 1, 2, 0, 1, 2});
  for (int i = 0; i < 3; ++i) model.train_on_batch(x, y);
  const std::string path = (dir / "half.keras").string();
  model.save(path);
  Model loaded = load_model(path);
  CHECK(loaded.optimizer().iterations() == 3);
  const auto slots = [](Model& m) { return m.optimizer().impl().variables(); };
  REQUIRE(slots(loaded).size() == slots(model).size());
  for (std::size_t i = 0; i < slots(model).size(); ++i) {
    CHECK(slots(loaded)[i].value() == slots(model)[i].value());
  }
}

TEST_CASE("Weights files hold the weights alone") {
  const keratin::testing::TempDir dir;
  Model model = small_model();
  const std::string path = (dir / "m.weights.h5").string();
  model.save_weights(path);
  Model other = small_model();
  const Tensor x = ramp({2, 8, 8, 3});
  CHECK_FALSE(other.predict(x) == model.predict(x));
  other.load_weights(path);
  CHECK(other.predict(x) == model.predict(x));
}

TEST_CASE("Weights that do not fit are all listed and change nothing") {
  const keratin::testing::TempDir dir;
  Sequential saved({Input({4}), Dense(3), Dense(2), Dense(1)});
  const std::string path = (dir / "m.weights.h5").string();
  saved.save_weights(path);
  Sequential other({Input({4}), Dense(3), Dense(5)});
  const std::vector<Tensor> before = other.get_weights();
  const std::string message =
      message_of<InvalidArgument>([&] { other.load_weights(path); });
  INFO(message);
  CHECK(
      message.find("layers/dense_1/vars/0: file has f32[3,2], model wants "
                   "f32[3,5]") != std::string::npos);
  CHECK(message.find("layers/dense_1/vars/1") != std::string::npos);
  CHECK(message.find("layers/dense_2/vars/0: unexpected") != std::string::npos);
  for (std::size_t i = 0; i < before.size(); ++i) {
    CHECK(other.get_weights()[i] == before[i]);
  }
  other.load_weights(path, {.skip_mismatch = true});
  CHECK(other.get_weights()[0] == saved.get_weights()[0]);
  CHECK(other.get_weights()[2] == before[2]);
}

TEST_CASE("No file of Keras 3 is loaded by name") {
  const keratin::testing::TempDir dir;
  Sequential model({Input({4}), Dense(3)});
  const auto at = [&](const char* name) { return (dir / name).string(); };
  model.save(at("m.keras"));
  model.save_weights(at("m.weights.h5"));
  write_file(
      at("m.weights.json"),
      R"({"weight_map": {"/layers/dense/vars": ["m.weights.h5"]}})");
  for (const char* name : {"m.keras", "m.weights.h5", "m.weights.json"}) {
    CAPTURE(name);
    model.load_weights(at(name));
    CHECK(message_of<InvalidArgument>([&] {
            model.load_weights(at(name), {.by_name = true});
          }).find("keeps no names of layers") != std::string::npos);
  }
}

TEST_CASE("JSON describes the architecture and the compile arguments") {
  Model model = small_model();
  model.compile(
      {.optimizer = optimizers::SGD({.learning_rate = 0.25, .momentum = 0.9}),
       .loss = "mse"});
  Model again = model_from_json(model.to_json());
  CHECK(again.compiled());
  CHECK(again.optimizer().learning_rate() == doctest::Approx(0.25));
  CHECK(again.to_json() == model.to_json());
  CHECK(again.count_params() == model.count_params());
}

TEST_CASE("A model can be opened in another precision") {
  const keratin::testing::TempDir dir;
  Model model = small_model();
  model.save((dir / "m.keras").string());
  Model wide = load_model((dir / "m.keras").string(), {.dtype = "float64"});
  CHECK(wide.weights()[0].dtype() == DType::f64);
  const Tensor x = ramp({2, 8, 8, 3});
  const Tensor a = wide.predict(x);
  const Tensor b = model.predict(x);
  CHECK(a.dtype() == DType::f64);
  for (std::int64_t i = 0; i < a.size(); ++i) {
    CHECK(a.at(i) == doctest::Approx(b.at(i)).epsilon(1e-5));
  }
}

TEST_CASE("Saving where nothing can be written says what to check") {
  Model model = small_model();
  const std::string nowhere =
      message_of<SystemError>([&] { model.save("no/such/folder/m.keras"); });
  INFO(nowhere);
  CHECK(
      nowhere.find("m.keras] open failed: No such file") != std::string::npos);
  CHECK(
      nowhere.find("check that the folder no/such/folder exists and can be "
                   "written to") != std::string::npos);
  CHECK_THROWS_AS(model.save("m.zip"), InvalidArgument);
}

TEST_CASE("A disk that is full while saving leaves the old file whole") {
  Model model = small_model();
  const keratin::testing::TempDir dir;
  for (const char* name : {"m.keras", "m.h5", "m.weights.h5"}) {
    CAPTURE(name);
    const std::string path = (dir / name).string();
    const auto save = [&] {
      const bool weights = path.ends_with(".weights.h5");
      weights ? model.save_weights(path) : model.save(path);
    };
    save();
    const std::string before = read_file(path);
    // A limit on the size of files stands for a full disk. In a child, as
    // limits are a process's; it saves without computing, so no threads are
    // needed.
    const ::pid_t child = ::fork();
    if (child == 0) {
      std::signal(SIGXFSZ, SIG_IGN);
      const rlimit limit{2048, 2048};
      ::setrlimit(RLIMIT_FSIZE, &limit);
      int code = 1;
      try {
        save();
      } catch (const SystemError& error) {
        const std::string what = error.what();
        code = what.find(name) != std::string::npos &&
                       what.find("File too large") != std::string::npos
                   ? 0
                   : 2;
      }
      ::_exit(code);
    }
    int status = -1;
    ::waitpid(child, &status, 0);
    CHECK(WIFEXITED(status));
    CHECK(WEXITSTATUS(status) == 0);
    CHECK(read_file(path) == before);
    const auto files = std::filesystem::directory_iterator(dir.path());
    for (const auto& entry : files) {
      CHECK(entry.path().string().find(".tmp") == std::string::npos);
    }
  }
}

TEST_CASE("Truncated and corrupt model files are errors, never crashes") {
  const keratin::testing::TempDir dir;
  Sequential model({Input({3}), Dense(2)});
  const std::string path = (dir / "m.keras").string();
  model.save(path);
  const std::string whole = read_file(path);
  const std::string damaged = (dir / "damaged.keras").string();
  for (int percent = 0; percent < 100; percent += 2) {
    write_file(damaged, whole.substr(0, whole.size() * percent / 100));
    CHECK_THROWS_AS(load_model(damaged), Error);
  }
  std::uint32_t state = 12345;
  for (int i = 0; i < 300; ++i) {
    std::string bytes = whole;
    state = state * 1664525 + 1013904223;
    bytes[state % bytes.size()] ^= static_cast<char>(1 << (state >> 29));
    write_file(damaged, bytes);
    try {
      load_model(damaged);
    } catch (const Error&) {
      // a clear refusal is as good as a correct load
    }
  }
}

TEST_CASE("What a file asks for by an unknown name is said by name") {
  const std::string json =
      R"({"class_name": "Sequential", "config": {"name": "s", "layers": [)"
      R"({"class_name": "Densee", "config": {"units": 3}}]}})";
  const std::string message =
      message_of<InvalidArgument>([&] { model_from_json(json); });
  INFO(message);
  CHECK(message.find("layers[0]") != std::string::npos);
  CHECK(message.find("did you mean \"Dense\"") != std::string::npos);
}

namespace {

/// y = x * scale, as the documentation shows it.
class Scale final : public LayerImpl {
 public:
  std::string class_name() const override { return "Scale"; }

  void build(const std::vector<Shape>& inputs) override {
    scale_ = add_weight("scale", {inputs[0].back()}, {.initializer = "ones"});
  }

  Value call(CallContext& ctx, const Value& x) override {
    return x * ctx.read(scale_);
  }

 private:
  Variable scale_;
};

}  // namespace

TEST_CASE("A layer of one's own saves and loads like the built-in ones") {
  register_layer<Scale>("Scale");
  const keratin::testing::TempDir dir;
  Sequential model({Input({3}), make_layer<Scale>(), Dense(2)});
  model.compile({.optimizer = "sgd", .loss = "mse"});
  model.train_on_batch(ramp({4, 3}), ramp({4, 2}));
  model.save((dir / "own.keras").string());
  Model loaded = load_model((dir / "own.keras").string());
  CHECK(loaded.predict(ramp({4, 3})) == model.predict(ramp({4, 3})));
}
