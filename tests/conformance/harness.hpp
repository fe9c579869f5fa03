#pragma once

#include <filesystem>
#include <string>
#include <vector>

#include <keratin/config.hpp>
#include <keratin/dtype.hpp>
#include <keratin/io/hdf5.hpp>
#include <keratin/tensor.hpp>

/// What the kinds of cases share. Public headers of Keratin only: the program
/// sees the library as its users do.
namespace conformance {

namespace fs = std::filesystem;

/// How far ours may be from Keras's, as a share of max(1, max |keras|) of the
/// array. The one place where the tolerances are stated.
struct Tolerances {
  double predict;  // one forward pass
  double step;     // what one training step changed
  double run;      // several steps, losses, metrics
};

inline constexpr Tolerances kFloat32 = {5e-6, 2e-5, 1e-4};
inline constexpr Tolerances kFloat64 = {1e-10, 1e-10, 1e-10};

/// Of whole architectures' logits, as a share of their standard deviation.
inline constexpr double kZoo = 1e-3;

/// Of files of Keras 1 and 2, recorded in float32 on other processors.
inline constexpr double kOldFiles = 1e-4;

struct Settings {
  keratin::DType dtype = keratin::DType::f32;
  bool float32_inside = false;  // Keras's numbers, whatever the dtype

  const Tolerances& tolerances() const {
    return dtype == keratin::DType::f64 && !float32_inside ? kFloat64
                                                           : kFloat32;
  }

  /// Empty for float32: files are opened as they are.
  std::string dtype_override() const {
    return dtype == keratin::DType::f64 ? "float64" : "";
  }

  /// Numbers with a fraction in the dtype of the run; others as they are.
  keratin::Tensor data(const keratin::Tensor& values) const;

  /// Config text written for float64, for the dtype of the run.
  keratin::Config config(const std::string& text, const std::string& who) const;
};

/// The comparisons of one case; keeps the worst.
class Comparison {
 public:
  /// `where` names the array: "after/dense/kernel".
  void compare(
      const std::string& where,
      const keratin::Tensor& ours,
      const keratin::Tensor& keras,
      double tolerance);
  void compare(
      const std::string& where, double ours, double keras, double tolerance);

  /// Something that is wrong without being a number.
  void fail(const std::string& where, const std::string& what);

  bool passed() const { return failures_ == 0; }

  /// One line: the worst difference and where it is.
  std::string summary() const;

 private:
  int failures_ = 0;
  double worst_ = -1;  // share of the tolerance
  std::string text_;
};

struct Case {
  std::string kind;  // the folder: "core", "losses", "fit"
  std::string name;
  fs::path path;  // the golden file

  std::string title() const { return kind + "/" + name; }
};

/// The text attribute of a file's root.
std::string text_attr(const keratin::io::Hdf5File& file, const char* name);

/// The strings of a dataset.
std::vector<std::string> strings(
    const keratin::io::Hdf5File& file, const std::string& path);

/// The members of a group named "0", "1", ..., in order.
std::vector<keratin::Tensor> numbered(
    const keratin::io::Hdf5File& file, const std::string& group);

// One function per kind. Each throws what the library throws.
void run_layer_case(const Case&, const Settings&, Comparison&);
void run_optimizer_case(const Case&, const Settings&, Comparison&);
void run_resume_case(const Case&, const Settings&, Comparison&);
void run_fit_case(const Case&, const Settings&, Comparison&);
void run_loss_case(const Case&, const Settings&, Comparison&);
void run_metric_case(const Case&, const Settings&, Comparison&);
void run_schedule_case(const Case&, const Settings&, Comparison&);
void run_text_case(const Case&, const Settings&, Comparison&);
void run_model_case(const Case&, const Settings&, Comparison&);
void run_recorded_case(const Case&, const Settings&, Comparison&);
void run_zoo_case(const Case&, const Settings&, Comparison&);

}  // namespace conformance
