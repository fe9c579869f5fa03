// Metrics after each of three updates against real Keras.

#include <doctest/doctest.h>

#include <keratin/backend.hpp>
#include <keratin/metrics.hpp>

#include "tests/losses/golden.hpp"
#include "tests/support/skip.hpp"

using namespace keratin;
using namespace keratin::testing;

namespace {

/// Another default backend while it lives.
class BackendScope {
 public:
  explicit BackendScope(const std::string& name) { set_backend(name); }

  ~BackendScope() { set_backend(""); }

  BackendScope(const BackendScope&) = delete;
  BackendScope& operator=(const BackendScope&) = delete;
};

void check_all(const std::string& backend, DType dtype, double tolerance) {
  const auto files = golden_files("metrics");
  if (files.empty()) KERATIN_SKIP("no conformance cases");
  const BackendScope backend_scope(backend);
  for (const auto& path : files) {
    const h5::File file = h5::File::open(path.string());
    const std::string precision = file.root().attr_text("precision");
    if (dtype == DType::f64 && precision != "float64") continue;
    const FloatxScope scope(dtype);
    CAPTURE(path.filename().string());
    Config config = Config::parse(file.root().attr_text("metric"));
    if (config.at("config").get("dtype") == Config("float64")) {
      config["config"]["dtype"] = name_of(dtype);
    }
    Metric metric;
    metric.from_config(config, "metric");
    for (int k = 0; k < 3; ++k) {
      CAPTURE(k);
      const auto part = [&](const char* name) {
        return file.at(std::string(name) + "/" + std::to_string(k)).read();
      };
      const Tensor y_true = as_float(part("y_true"), dtype);
      const Tensor y_pred = as_float(part("y_pred"), dtype);
      if (file.find("sample_weight")) {
        const Tensor weight = as_float(part("sample_weight"), dtype);
        metric.update_state(y_true, y_pred, &weight);
      } else {
        metric.update_state(y_true, y_pred);
      }
      CHECK(relative_error(metric.result(), part("result")) < tolerance);
    }
  }
}

}  // namespace

TEST_CASE("Metrics are Keras's in float64") {
  check_all("reference", DType::f64, 1e-10);
}

TEST_CASE("Metrics are Keras's in float32") {
  check_all("", DType::f32, 1e-4);
}

TEST_CASE("Metrics write the configs that Keras writes") {
  const auto files = golden_files("metrics");
  if (files.empty()) KERATIN_SKIP("no conformance cases");
  for (const auto& path : files) {
    CAPTURE(path.filename().string());
    const h5::File file = h5::File::open(path.string());
    const Config config = Config::parse(file.root().attr_text("metric"));
    Metric metric;
    metric.from_config(config, "metric");
    CHECK(metric.to_config().dump() == config.dump());
  }
}
