#pragma once

#include <cstddef>
#include <cstdint>
#include <future>
#include <map>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include <keratin/config.hpp>
#include <keratin/data/dataset.hpp>

#include "src/train/check_data.hpp"

namespace keratin {

/// The batches of a run, pass after pass. A model's host part runs on a thread
/// of its own, one batch ahead.
class Feed {
 public:
  Feed() = default;
  virtual ~Feed();
  Feed(const Feed&) = delete;
  Feed& operator=(const Feed&) = delete;

  /// Starts a pass.
  void start();

  /// The next batch of this pass, or false when it is over. What the tensors
  /// hold is good until the next call.
  bool next(FeedData& batch);

  /// Whether the last batch of this pass is known to have been given.
  bool done() const { return over() && !ahead_.valid(); }

  /// Batches in one pass; none when that is not known or there is no end.
  virtual std::optional<std::int64_t> batches() const = 0;

  /// Whether a batch of this many rows is a smaller one after full ones.
  bool is_partial(std::int64_t rows) const { return rows < full_rows_; }

  /// The host part of the model whose batches these are, or null.
  const HostPart* host() const { return host_.get(); }

  /// All there is, or null when it is made batch by batch.
  virtual const FeedData* all() const { return nullptr; }

  /// A batch like the first of a pass, to build programs for. REQUIRES: no pass
  /// has been started.
  FeedData sample();

  /// Where the feed stands, for `restore` of a feed of the same data;
  /// `in_pass`: in the middle of a pass that is to go on.
  Config state(bool in_pass) const;

  /// Goes on from there. Throws InvalidArgument for another state and for that
  /// of other data.
  void restore(const Config& state);

 protected:
  virtual void rewind() = 0;

  virtual FeedData first_rows() = 0;

  /// What a feed adds to its state. `given`: batches of this pass that have
  /// been given, where more may have been cut.
  virtual void save(Config& state, bool in_pass, std::int64_t given) const = 0;

  virtual void go_on(const Config& state, bool in_pass, std::int64_t given) = 0;

  /// A batch as the model takes it, without the host part.
  virtual bool cut(FeedData& batch) = 0;

  /// Whether `cut` is known to have given the last batch of this pass.
  virtual bool over() const = 0;

  std::shared_ptr<const HostPart> host_;
  std::int64_t full_rows_ = 0;

 private:
  bool next_from_host(FeedData& batch);

  std::future<FeedData> ahead_;  // the batch after the last one given
  std::int64_t given_ = 0;       // in this pass
};

/// Cuts arrays into batches, shuffled anew on every pass when asked. A batch
/// that is a run of rows shares the arrays' memory; a shuffled one is gathered
/// into buffers that are used again.
class ArrayFeed final : public Feed {
 public:
  ArrayFeed(FeedData data, std::int64_t batch_size, bool shuffle);

  std::optional<std::int64_t> batches() const override;

  const FeedData* all() const override { return &data_; }

 protected:
  void rewind() override;
  bool cut(FeedData& batch) override;

  bool over() const override { return position_ >= data_.rows(); }

  FeedData first_rows() override;
  void save(Config& state, bool in_pass, std::int64_t given) const override;
  void go_on(const Config& state, bool in_pass, std::int64_t given) override;

 private:
  void gather(const std::vector<Tensor>& from, std::vector<Tensor>& to);

  FeedData data_;
  std::int64_t batch_size_;
  bool shuffle_;
  std::int64_t position_ = 0;
  std::uint64_t seed_ = 0;           // of the order
  std::vector<std::int64_t> order_;  // empty: as it stands
  std::int64_t begin_ = 0;
  std::int64_t end_ = 0;
};

/// The elements of a dataset are the batches; pass n is its epoch n. `model`
/// outlives this.
class DatasetFeed final : public Feed {
 public:
  struct Options {
    bool targets = true;  // else an element's x alone
    std::map<std::int64_t, double> class_weight = {};
    std::int64_t first_epoch = 0;
  };

  DatasetFeed(
      ModelImpl& model,
      std::string who,
      data::Dataset dataset,
      Options options);

  std::optional<std::int64_t> batches() const override;

  /// Opens the first pass and makes its first batch, which gives the model its
  /// weights if it has none. Throws InvalidArgument for a dataset without
  /// elements.
  const FeedData& first();

 protected:
  void rewind() override;
  bool cut(FeedData& batch) override;
  bool over() const override;
  FeedData first_rows() override;
  void save(Config& state, bool in_pass, std::int64_t given) const override;
  void go_on(const Config& state, bool in_pass, std::int64_t given) override;

 private:
  std::optional<FeedData> draw();

  ModelImpl& model_;
  std::string who_;
  data::Dataset dataset_;
  Options options_;
  std::int64_t cardinality_;
  std::int64_t epoch_;  // of the next pass
  std::optional<data::DatasetIterator> pass_;
  std::optional<Config> resumed_;  // the state whose seeds later passes have
  std::optional<FeedData> first_;  // made, not given yet
  std::int64_t drawn_ = 0;         // in this pass
  bool ended_ = false;
};

/// Random order of 0 .. count-1.
std::vector<std::int64_t> random_order(std::int64_t count, std::uint64_t seed);

}  // namespace keratin
