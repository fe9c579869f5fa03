#pragma once

#include <cstdint>
#include <map>
#include <string>
#include <vector>

#include <keratin/config.hpp>
#include <keratin/data/dataset.hpp>
#include <keratin/tensor.hpp>

namespace keratin::cli {

/// What the values of one tensor of a pipeline's batches are like.
class TensorStatistics {
 public:
  /// `target`: its classes are counted, of one-hot rows, too.
  TensorStatistics(std::string name, bool target)
      : name_(std::move(name)), target_(target) {}

  void add(const Tensor& batch);

  /// One line: "x  float32[32,28,28]  0 to 255, mean 33.3".
  std::string line() const;

  /// A line of classes and how often they came; empty without classes.
  std::string classes_line() const;

  Config to_config() const;

 private:
  void add_numbers(const Tensor& batch);
  void add_texts(const Tensor& batch);
  void count_classes(const Tensor& batch);

  std::string name_;
  bool target_;
  DType dtype_ = DType::f32;
  std::vector<std::string> shapes_;  // the first few different ones
  std::int64_t values_ = 0;
  std::int64_t missing_ = 0;  // NaN, or empty texts
  std::int64_t infinite_ = 0;
  double low_ = 0;
  double high_ = 0;
  double sum_ = 0;
  bool any_ = false;
  bool too_many_ = false;  // classes
  std::map<std::int64_t, std::int64_t> classes_;
};

/// The tensors of a pipeline's batches.
class DataStatistics {
 public:
  void add(const data::Element& batch);

  std::int64_t rows() const { return rows_; }

  const std::vector<TensorStatistics>& tensors() const { return tensors_; }

 private:
  std::int64_t rows_ = 0;
  std::vector<TensorStatistics> tensors_;
};

}  // namespace keratin::cli
