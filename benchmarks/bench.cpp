// Times training steps as `fit` runs them on data in memory.
//
//   bench WORKLOAD [--steps N] [--rounds N]
//
// Prints one JSON object: workload, batch, threads, first_step_s, median_ms,
// min_ms, loss. WORKLOAD: mlp, mnist_cnn, lstm (defined as in the peers'
// scripts).

#include <algorithm>
#include <chrono>
#include <cstdio>
#include <cstdlib>
#include <functional>
#include <map>
#include <string>
#include <vector>

#include <keratin/keratin.hpp>

namespace kt = keratin;
using namespace kt::layers;  // NOLINT
using Clock = std::chrono::steady_clock;

namespace {

struct Workload {
  std::function<kt::Sequential()> model;
  kt::Shape input;  // of one sample
  std::int64_t classes;
  std::int64_t batch;
  std::string loss = "sparse_categorical_crossentropy";
  std::int64_t words = 0;  // > 0: inputs are integers below
};

kt::Sequential mlp() {
  return kt::Sequential(
      {Input({784}),
       Dense(512, {.activation = "relu"}),
       Dropout(0.2),
       Dense(10, {.activation = "softmax"})});
}

kt::Sequential mnist_cnn() {
  return kt::Sequential(
      {Input({28, 28, 1}),
       Conv2D(32, 3, {.activation = "relu"}),
       MaxPooling2D(),
       Conv2D(64, 3, {.activation = "relu"}),
       MaxPooling2D(),
       Flatten(),
       Dropout(0.5),
       Dense(10, {.activation = "softmax"})});
}

kt::Sequential lstm() {
  return kt::Sequential(
      {Input({80}, {.dtype = kt::DType::i32}),
       Embedding(20000, 128),
       LSTM(128),
       Dense(1, {.activation = "sigmoid"})});
}

const std::map<std::string, Workload>& workloads() {
  static const std::map<std::string, Workload> all = {
      {"mlp", {mlp, {784}, 10, 128}},
      {"mnist_cnn", {mnist_cnn, {28, 28, 1}, 10, 128}},
      {"lstm", {lstm, {80}, 2, 32, "binary_crossentropy", 20000}},
  };
  return all;
}

/// Words that look random, the same in every run.
kt::Tensor random_words(const kt::Shape& shape, std::int64_t words) {
  std::vector<std::int32_t> values;
  std::uint64_t state = 1;
  for (std::int64_t i = 0; i < shape.size(); ++i) {
    state = state * 6364136223846793005U + 1442695040888963407U;
    values.push_back(static_cast<std::int32_t>(
        (state >> 33U) % static_cast<std::uint64_t>(words)));
  }
  return kt::Tensor(values, shape);
}

double seconds_since(Clock::time_point start) {
  return std::chrono::duration<double>(Clock::now() - start).count();
}

int run(const std::string& name, std::int64_t steps, int rounds) {
  const auto found = workloads().find(name);
  if (found == workloads().end()) {
    std::fprintf(stderr, "bench: no workload is called '%s'\n", name.c_str());
    return 2;
  }
  const Workload& work = found->second;
  kt::set_random_seed(0);
  const std::int64_t rows = work.batch * steps;
  kt::Shape shape = {rows};
  for (const std::int64_t dim : work.input) shape.push_back(dim);
  const kt::Tensor x = work.words > 0
                           ? random_words(shape, work.words)
                           : kt::initializers::RandomNormal({.stddev = 1.0})(
                                 shape, kt::DType::f32);
  std::vector<std::int64_t> labels;
  for (std::int64_t i = 0; i < rows; ++i) {
    labels.push_back(i * 7919 % work.classes);
  }
  const kt::Tensor y(labels);

  const auto start = Clock::now();
  kt::Sequential model = work.model();
  model.compile(
      {.optimizer = "adam", .loss = work.loss, .metrics = {"accuracy"}});
  kt::FitArguments arguments;
  arguments.batch_size = work.batch;
  arguments.verbose = 0;
  model.fit(x.slice(0, work.batch), y.slice(0, work.batch), arguments);
  const double first = seconds_since(start);

  std::vector<double> ms;
  double loss = 0;
  for (int round = 0; round < rounds; ++round) {
    const auto begin = Clock::now();
    loss = model.fit(x, y, arguments)["loss"][0];
    ms.push_back(seconds_since(begin) * 1e3 / static_cast<double>(steps));
  }
  std::sort(ms.begin(), ms.end());
  std::printf(
      "{\"workload\": \"%s\", \"batch\": %lld, \"threads\": %d, "
      "\"first_step_s\": %.3f, \"median_ms\": %.4f, \"min_ms\": %.4f, "
      "\"loss\": %.5f}\n",
      name.c_str(),
      static_cast<long long>(work.batch),
      kt::num_threads(),
      first,
      ms[ms.size() / 2],
      ms.front(),
      loss);
  return 0;
}

}  // namespace

int main(int argc, char** argv) {
  std::int64_t steps = 32;
  int rounds = 7;
  if (argc < 2) {
    std::fprintf(stderr, "usage: bench WORKLOAD [--steps N] [--rounds N]\n");
    return 2;
  }
  for (int i = 2; i + 1 < argc; i += 2) {
    const std::string option = argv[i];
    if (option == "--steps") {
      steps = std::atoll(argv[i + 1]);
    } else if (option == "--rounds") {
      rounds = std::atoi(argv[i + 1]);
    }
  }
  if (steps < 1 || rounds < 1) {
    std::fprintf(stderr, "bench: expected --steps and --rounds >= 1\n");
    return 2;
  }
  try {
    return run(argv[1], steps, rounds);
  } catch (const kt::Error& error) {
    std::fprintf(stderr, "bench: %s\n", error.what());
    return 1;
  }
}
