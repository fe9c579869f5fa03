#include "src/train/feed.hpp"

#include <algorithm>
#include <array>
#include <cstring>
#include <numeric>
#include <span>
#include <utility>

#include <keratin/error.hpp>
#include <keratin/random.hpp>

#include "src/core/format.hpp"
#include "src/core/philox.hpp"
#include "src/train/checkpoint/checkpoint.hpp"
#include "src/train/trainer_state.hpp"

namespace keratin {

std::vector<std::int64_t> random_order(std::int64_t count, std::uint64_t seed) {
  std::vector<std::int64_t> order(static_cast<std::size_t>(count));
  std::iota(order.begin(), order.end(), 0);
  const std::array<std::uint32_t, 2> key = {
      static_cast<std::uint32_t>(seed), static_cast<std::uint32_t>(seed >> 32)};
  // Fisher-Yates, a 64-bit draw per element: its bias is below 2^-32.
  for (std::int64_t i = count - 1; i > 0; --i) {
    const auto bits = philox(
        {static_cast<std::uint32_t>(i),
         static_cast<std::uint32_t>(i >> 32),
         0,
         0},
        key);
    const std::uint64_t draw =
        (static_cast<std::uint64_t>(bits[0]) << 32) | bits[1];
    const auto other =
        static_cast<std::int64_t>(draw % static_cast<std::uint64_t>(i + 1));
    std::swap(
        order[static_cast<std::size_t>(i)],
        order[static_cast<std::size_t>(other)]);
  }
  return order;
}

Feed::~Feed() {
  if (ahead_.valid()) ahead_.wait();
}

void Feed::start() {
  if (ahead_.valid()) ahead_.wait();
  ahead_ = {};
  given_ = 0;
  rewind();
}

bool Feed::next(FeedData& batch) {
  const bool more = host_ ? next_from_host(batch) : cut(batch);
  if (more) ++given_;
  return more;
}

FeedData Feed::sample() {
  FeedData batch = first_rows();
  return host_ ? as_batch(std::move(batch)) : batch;
}

Config Feed::state(bool in_pass) const {
  Config state = Config::object(
      {{"in_pass", in_pass}, {"full_rows", full_rows_}, {"given", given_}});
  save(state, in_pass, given_);
  return state;
}

void Feed::restore(const Config& state) {
  const bool in_pass = state.at("in_pass").as_bool();
  const std::int64_t given = state.at("given").as_int();
  const std::int64_t full_rows = state.at("full_rows").as_int();
  if (given < 0 || full_rows < 0) {
    throw InvalidArgument(format(
        "[checkpoint] expected counts of batches and rows >= 0, got {} and {}",
        given,
        full_rows));
  }
  go_on(state, in_pass, given);
  ahead_ = {};
  given_ = given;
  full_rows_ = full_rows;
}

bool Feed::next_from_host(FeedData& batch) {
  if (ahead_.valid()) {
    batch = ahead_.get();
  } else {
    FeedData raw;
    if (!cut(raw)) return false;
    batch = as_batch(std::move(raw));
  }
  // Programs use all processors already: what runs some is not run beside them.
  if (host_->runs_programs()) return true;
  if (FeedData raw; cut(raw)) {
    ahead_ = std::async(std::launch::async, as_batch, std::move(raw));
  }
  return true;
}

// -- arrays -------------------------------------------------------------------

ArrayFeed::ArrayFeed(FeedData data, std::int64_t batch_size, bool shuffle)
    : data_(std::move(data)), batch_size_(batch_size), shuffle_(shuffle) {
  host_ = data_.host;
  full_rows_ = std::min(batch_size_, data_.rows());
}

std::optional<std::int64_t> ArrayFeed::batches() const {
  return (data_.rows() - 1) / batch_size_ + 1;  // there is a row at least
}

void ArrayFeed::rewind() {
  position_ = 0;
  if (!shuffle_) return;
  seed_ = next_seed();
  order_ = random_order(data_.rows(), seed_);
}

FeedData ArrayFeed::first_rows() {
  position_ = 0;
  FeedData batch;
  cut(batch);
  return batch;
}

void ArrayFeed::save(Config& state, bool in_pass, std::int64_t) const {
  state["rows"] = data_.rows();
  state["batch_size"] = batch_size_;
  state["shuffle"] = shuffle_;
  if (in_pass && shuffle_) state["seed"] = to_text(seed_);
}

void ArrayFeed::go_on(const Config& state, bool in_pass, std::int64_t given) {
  const auto expect = [&](const char* key, const Config& mine) {
    if (state.at(key) == mine) return;
    throw InvalidArgument(format(
        "is of a run with {}={}, this one has {}; give fit what it had",
        key,
        state.at(key).dump(),
        mine.dump()));
  };
  expect("rows", data_.rows());
  expect("batch_size", batch_size_);
  expect("shuffle", shuffle_);
  if (!in_pass) return;
  if (shuffle_) {
    seed_ = unsigned_at(state, "seed");
    order_ = random_order(data_.rows(), seed_);
  }
  // Fewer batches than rows, so that the product cannot overflow.
  position_ = std::min(std::min(given, *batches()) * batch_size_, data_.rows());
}

bool ArrayFeed::cut(FeedData& batch) {
  if (over()) return false;
  begin_ = position_;
  end_ = position_ + std::min(batch_size_, data_.rows() - position_);
  position_ = end_;
  batch.host = host_;
  gather(data_.x, batch.x);
  gather(data_.y, batch.y);
  gather(data_.sample_weight, batch.sample_weight);
  return true;
}

void ArrayFeed::gather(
    const std::vector<Tensor>& from, std::vector<Tensor>& to) {
  to.resize(from.size());
  for (std::size_t i = 0; i < from.size(); ++i) {
    if (absent(from[i])) {
      to[i] = from[i];
      continue;
    }
    if (order_.empty()) {
      to[i] = from[i].slice(begin_, end_);
      continue;
    }
    if (from[i].dtype() == DType::string) {
      to[i] = from[i].take(std::span<const std::int64_t>(order_).subspan(
          static_cast<std::size_t>(begin_),
          static_cast<std::size_t>(end_ - begin_)));
      continue;
    }
    Shape shape = from[i].shape();
    shape[0] = end_ - begin_;
    if (to[i].shape() != shape || to[i].dtype() != from[i].dtype()) {
      to[i] = Tensor::uninitialized(from[i].dtype(), shape);
    }
    const std::size_t row_bytes =
        from[i].size_bytes() / static_cast<std::size_t>(from[i].shape()[0]);
    const auto* source = static_cast<const std::byte*>(from[i].raw());
    auto* target = static_cast<std::byte*>(to[i].mutable_raw());
    for (std::int64_t row = begin_; row < end_; ++row) {
      const auto at =
          static_cast<std::size_t>(order_[static_cast<std::size_t>(row)]);
      std::memcpy(target, source + at * row_bytes, row_bytes);
      target += row_bytes;
    }
  }
}

// -- datasets -----------------------------------------------------------------

DatasetFeed::DatasetFeed(
    ModelImpl& model, std::string who, data::Dataset dataset, Options options)
    : model_(model),
      who_(std::move(who)),
      dataset_(std::move(dataset)),
      options_(std::move(options)),
      cardinality_(dataset_.cardinality()),
      epoch_(options_.first_epoch) {}

std::optional<std::int64_t> DatasetFeed::batches() const {
  if (cardinality_ < 0) return {};
  return cardinality_;
}

const FeedData& DatasetFeed::first() {
  if (first_) return *first_;
  rewind();
  first_ = draw();
  if (first_) return *first_;
  throw InvalidArgument(
      format("{} got a dataset without elements, expected batches", who_));
}

void DatasetFeed::rewind() {
  if (first_) return;  // stands at the begin of a pass
  if (resumed_) {
    Config begin = *resumed_;
    begin["epoch"] = epoch_++;
    begin["position"] = 0;
    pass_.emplace(dataset_.resume(begin));
  } else {
    pass_.emplace(dataset_.iterate(epoch_++));
  }
  drawn_ = 0;
  ended_ = false;
}

FeedData DatasetFeed::first_rows() {
  return first();
}

void DatasetFeed::save(Config& state, bool in_pass, std::int64_t given) const {
  // A pass of which only the first element has been looked at comes next.
  state["epoch"] = first_ ? epoch_ - 1 : epoch_;
  Config pass = pass_ ? pass_->state() : Config();
  // The iterator may be ahead of what has been given.
  if (pass_) pass["position"] = in_pass ? given : 0;
  state["pass"] = std::move(pass);
}

void DatasetFeed::go_on(const Config& state, bool in_pass, std::int64_t given) {
  const std::int64_t epoch = state.at("epoch").as_int();
  const Config& pass = state.at("pass");
  try {
    if (!pass.is_null()) {
      pass_.emplace(dataset_.resume(pass));
      resumed_ = pass;
    }
  } catch (const InvalidArgument& error) {
    throw InvalidArgument(
        format("is of a run on other data: {}", error.what()));
  }
  first_.reset();
  epoch_ = epoch;
  drawn_ = in_pass ? given : 0;
  ended_ = false;
}

bool DatasetFeed::cut(FeedData& batch) {
  std::optional<FeedData> next =
      first_ ? std::exchange(first_, std::nullopt) : draw();
  if (!next) return false;
  batch = *std::move(next);
  return true;
}

bool DatasetFeed::over() const {
  return ended_ || (!first_ && drawn_ == cardinality_);
}

std::optional<FeedData> DatasetFeed::draw() {
  if (ended_) return {};
  std::optional<data::Element> element = pass_->next();
  if (!element) {
    ended_ = true;
    return {};
  }
  ++drawn_;
  try {
    build_model(model_, element->x.tensors());
    FeedData batch = options_.targets
                         ? check_data(
                               model_,
                               who_,
                               element->x,
                               element->y,
                               element->sample_weight,
                               options_.class_weight)
                         : check_data(model_, who_, element->x, {}, {});
    host_ = batch.host;
    full_rows_ = std::max(full_rows_, batch.rows());
    return batch;
  } catch (const InvalidArgument& error) {
    throw InvalidArgument(format(
        "{} (element {} of the dataset: each is one batch, as .batch(n) makes "
        "them)",
        error.what(),
        drawn_ - 1));
  }
}

}  // namespace keratin
