#include <utility>

#include <keratin/error.hpp>
#include <keratin/layers/reshaping.hpp>

#include "src/core/format.hpp"

namespace keratin::layers {

std::vector<Margins::Pair> Margins::resolve(
    std::size_t rank, const std::string& who, const std::string& what) const {
  std::vector<Pair> out = pairs_;
  if (single_) {
    out.assign(rank, {numbers_[0], numbers_[0]});
  } else if (rank == 1 && numbers_.size() == 2) {
    out = {{numbers_[0], numbers_[1]}};
  } else {
    for (const std::int64_t number : numbers_) out.emplace_back(number, number);
  }
  if (out.size() != rank) {
    throw InvalidArgument(format(
        "{} expected {} of one number, or numbers or pairs for {} axes, got {}",
        who,
        what,
        rank,
        to_config().dump()));
  }
  for (const auto& [before, after] : out) {
    if (before < 0 || after < 0) {
      throw InvalidArgument(
          format("{} expected {} >= 0, got {}", who, what, to_config().dump()));
    }
  }
  return out;
}

void Margins::settle(
    std::size_t rank, const std::string& who, const char* what) {
  std::vector<Pair> pairs = resolve(rank, who, what);
  single_ = false;
  if (rank == 1) {
    numbers_ = {pairs[0].first, pairs[0].second};
    pairs_.clear();
  } else {
    numbers_.clear();
    pairs_ = std::move(pairs);
  }
}

Config Margins::to_config() const {
  if (single_) return numbers_[0];
  if (pairs_.empty()) return Config::ints(numbers_);
  Config out = Config::array();
  for (const auto& [before, after] : pairs_) {
    out.push_back(Config::ints({before, after}));
  }
  return out;
}

void Margins::from_config(const Config& config, const std::string& where) {
  try {
    if (!config.is_array()) {
      *this = Margins(config.as_int());
      return;
    }
    Margins made(0);
    made.single_ = false;
    made.numbers_.clear();
    for (const Config& item : config.as_array()) {
      if (item.is_array()) {
        const std::vector<std::int64_t> pair = item.as_ints();
        if (pair.size() != 2 || !made.numbers_.empty()) {
          throw InvalidArgument("expected numbers or pairs of numbers");
        }
        made.pairs_.emplace_back(pair[0], pair[1]);
      } else {
        if (!made.pairs_.empty()) {
          throw InvalidArgument("expected numbers or pairs of numbers");
        }
        made.numbers_.push_back(item.as_int());
      }
    }
    *this = std::move(made);
  } catch (const InvalidArgument& error) {
    throw InvalidArgument(format("[{}] {}", where, error.what()));
  }
}

Config Margins::schema() const {
  return Config::object({{"type", Config::array({"integer", "array"})}});
}

}  // namespace keratin::layers
