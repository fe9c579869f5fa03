// Memory stays flat over many steps, many runs and many models.

#include <doctest/doctest.h>
#include <malloc.h>
#include <unistd.h>

#include <fstream>
#include <vector>

#include <keratin/layers.hpp>
#include <keratin/model.hpp>

#include "tests/support/skip.hpp"

using namespace keratin;          // NOLINT
using namespace keratin::layers;  // NOLINT

namespace {

/// Resident memory in MiB, freed pages given back first.
double resident_mib() {
  malloc_trim(0);
  std::ifstream statm("/proc/self/statm");
  double total = 0;
  double resident = 0;
  statm >> total >> resident;
  return resident * static_cast<double>(sysconf(_SC_PAGESIZE)) / 1048576.0;
}

/// What may come and go in the allocator without being a leak. A leak of one
/// program or one batch per turn is far above it.
constexpr double kAllowedMib = 6;

/// Sanitizers keep what is freed for a while, and tell leaks themselves.
#if defined(__SANITIZE_ADDRESS__) || defined(__SANITIZE_THREAD__)
constexpr bool kMemoryIsOurs = false;
#else
constexpr bool kMemoryIsOurs = true;
#endif

Sequential small_model() {
  Sequential model(
      {Input({8, 8, 1}),
       Conv2D(8, {3, 3}, {.activation = "relu"}),
       BatchNormalization(),
       Flatten(),
       Dropout(0.2),
       Dense(4, {.activation = "softmax"})});
  model.compile(
      {.optimizer = "adam",
       .loss = "sparse_categorical_crossentropy",
       .metrics = {"accuracy"}});
  return model;
}

struct Data {
  Tensor x;
  Tensor y;
};

Data pictures(std::int64_t rows) {
  std::vector<std::int64_t> labels;
  for (std::int64_t i = 0; i < rows; ++i) labels.push_back(i % 4);
  return {Tensor::full(DType::f32, {rows, 8, 8, 1}, 0.5), Tensor(labels)};
}

}  // namespace

TEST_CASE("Ten thousand training steps leave memory flat") {
  if (!kMemoryIsOurs) KERATIN_SKIP("a sanitizer holds on to memory");
  Sequential model = small_model();
  const Data d = pictures(16);
  for (int i = 0; i < 500; ++i) model.train_on_batch(d.x, d.y);
  const double before = resident_mib();
  for (int i = 0; i < 10000; ++i) model.train_on_batch(d.x, d.y);
  CHECK(resident_mib() - before < kAllowedMib);
}

TEST_CASE("A hundred fits with changing batch sizes leave memory flat") {
  if (!kMemoryIsOurs) KERATIN_SKIP("a sanitizer holds on to memory");
  Sequential model = small_model();
  const Data d = pictures(96);
  const auto fit = [&](int i) {
    model.fit(d.x, d.y, {.batch_size = 8 + i % 50, .epochs = 1, .verbose = 0});
  };
  // The cache of programs is bounded: fill it first.
  for (int i = 0; i < 50; ++i) fit(i);
  const double before = resident_mib();
  for (int i = 0; i < 100; ++i) fit(i);
  CHECK(resident_mib() - before < kAllowedMib);
}

TEST_CASE("A hundred models made and dropped leave memory flat") {
  if (!kMemoryIsOurs) KERATIN_SKIP("a sanitizer holds on to memory");
  const Data d = pictures(16);
  const auto make = [&] {
    Sequential model = small_model();
    model.train_on_batch(d.x, d.y);
    // A layer on its own output and a nested model, which could own in circles.
    const SymbolicTensor in = Input({4});
    const Dense twice(4);
    const Model inner(in, twice(twice(in)));
    Model outer(in, inner(inner(in)));
    outer.predict(Tensor(DType::f32, {2, 4}));
  };
  for (int i = 0; i < 20; ++i) make();
  const double before = resident_mib();
  for (int i = 0; i < 100; ++i) make();
  CHECK(resident_mib() - before < kAllowedMib);
}
