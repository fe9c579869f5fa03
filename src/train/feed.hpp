#pragma once

#include <cstdint>
#include <future>
#include <map>
#include <memory>
#include <string>
#include <vector>

#include <keratin/model.hpp>
#include <keratin/training.hpp>

#include "src/train/host_part.hpp"

namespace keratin {

/// The arrays of a run, checked against the model and each other. Targets and
/// sample weights are one per output (weights: or one for all); those of an
/// output that has none are absent().
struct FeedData {
  std::vector<Tensor> x;
  std::vector<Tensor> y;
  std::vector<Tensor> sample_weight;

  // Of a model with a host part: x are the model's inputs in the arrays of a
  // run and the graph's in a batch, which then knows its rows and what the host
  // keeps for after the graph.
  std::shared_ptr<const HostPart> host = nullptr;
  HostValues host_values = {};
  std::int64_t host_rows = -1;

  std::int64_t rows() const;
};

/// The arrays as one batch for the graph: runs the host part, if there is one.
FeedData as_batch(FeedData data);

/// Whether this stands for no array: Tensor(), where Keras has None.
bool absent(const Tensor& tensor);

/// Orders named arrays as the model's inputs and outputs (as many targets as
/// there are losses belong to the outputs that have one), turns class weights
/// into sample weights, and checks counts, rows and string dtypes.
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
/// into buffers that are used again. A model's host part runs on a thread of
/// its own, one batch ahead.
class Feed {
 public:
  Feed(FeedData data, std::int64_t batch_size, bool shuffle);
  ~Feed();
  Feed(const Feed&) = delete;
  Feed& operator=(const Feed&) = delete;

  const FeedData& data() const { return data_; }

  /// Whether a batch of this many rows is a smaller one after full ones.
  bool is_partial(std::int64_t rows) const {
    return rows < batch_size_ && batch_size_ <= data_.rows();
  }

  /// Batches in one pass over the data.
  std::int64_t batches() const;

  /// Starts a pass: draws the order when shuffling.
  void start();

  /// The next batch of this pass, or false when it is over. What the tensors
  /// hold is good until the next call.
  bool next(FeedData& batch);

  /// Whether the last batch of this pass has been given.
  bool done() const { return position_ >= data_.rows() && !ahead_.valid(); }

 private:
  bool cut(FeedData& batch);
  bool next_from_host(FeedData& batch);
  void drop_ahead();

  void gather(const std::vector<Tensor>& from, std::vector<Tensor>& to);

  FeedData data_;
  std::int64_t batch_size_;
  bool shuffle_;
  std::int64_t position_ = 0;
  std::vector<std::int64_t> order_;  // empty: as it stands
  std::int64_t begin_ = 0;
  std::int64_t end_ = 0;
  std::future<FeedData> ahead_;  // the batch after the last one given
};

/// Random order of 0 .. count-1, from the seeds of set_random_seed.
std::vector<std::int64_t> random_order(std::int64_t count);

}  // namespace keratin
