#pragma once

#include <cstdint>
#include <map>
#include <string>
#include <vector>

#include <keratin/model.hpp>
#include <keratin/training.hpp>

namespace keratin {

/// The arrays of a run, checked against the model and each other.
struct FeedData {
  std::vector<Tensor> x;
  std::vector<Tensor> y;
  std::vector<Tensor> sample_weight;

  std::int64_t rows() const;
};

/// Orders named arrays as the model's inputs and outputs, turns class weights
/// into sample weights, and checks counts, rows, string dtypes and labels.
/// `who` starts the messages: "[model: Sequential] fit".
FeedData check_data(
    ModelImpl& model,
    const std::string& who,
    const TensorSet& x,
    const TensorSet& y,
    const TensorSet& sample_weight,
    const std::map<std::int64_t, double>& class_weight = {});

/// Refuses class indices that the output of a sparse loss does not have. Called
/// when the losses are known, before a step runs. REQUIRES: the model knows its
/// losses (the step's program is built).
void check_labels(
    const ModelImpl& model, const std::string& who, const FeedData& data);

/// Cuts arrays into batches, shuffled anew on every pass when asked. A batch
/// that is a run of rows shares the arrays' memory; a shuffled one is gathered
/// into buffers that are used again.
class Feed {
 public:
  Feed(FeedData data, std::int64_t batch_size, bool shuffle);

  /// Batches in one pass over the data.
  std::int64_t batches() const;

  /// Starts a pass: draws the order when shuffling.
  void start();

  /// The next batch of this pass, or false when it is over. What the tensors
  /// hold is good until the next call.
  bool next(FeedData& batch);

  /// Whether the last batch of this pass has been given.
  bool done() const { return position_ >= data_.rows(); }

 private:
  void gather(const std::vector<Tensor>& from, std::vector<Tensor>& to);

  FeedData data_;
  std::int64_t batch_size_;
  bool shuffle_;
  std::int64_t position_ = 0;
  std::vector<std::int64_t> order_;  // empty: as it stands
  std::int64_t begin_ = 0;
  std::int64_t end_ = 0;
};

/// Random order of 0 .. count-1, from the seeds of set_random_seed.
std::vector<std::int64_t> random_order(std::int64_t count);

}  // namespace keratin
