#include "src/ir/attrs.hpp"

#include <keratin/error.hpp>

#include "src/core/format.hpp"
#include "src/ir/graph.hpp"
#include "src/ir/text.hpp"

namespace keratin {

const Attr* Attrs::find(std::string_view name) const {
  for (const Entry& entry : entries_) {
    if (entry.first == name) return &entry.second;
  }
  return nullptr;
}

void Attrs::set(std::string_view name, Attr value) {
  for (Entry& entry : entries_) {
    if (entry.first == name) {
      entry.second = std::move(value);
      return;
    }
  }
  entries_.emplace_back(std::string(name), std::move(value));
}

void Attrs::missing(std::string_view name) const {
  throw InternalError(
      format("[attrs] no attribute '{}' of the type asked for", name));
}

namespace {

bool same(const Attr& a, const Attr& b) {
  if (a.index() != b.index()) return false;
  using GraphPtr = std::shared_ptr<const Graph>;
  if (const auto* left = std::get_if<GraphPtr>(&a)) {
    const auto& right = std::get<GraphPtr>(b);
    return *left == right || print(**left) == print(*right);
  }
  return a == b;
}

}  // namespace

bool Attrs::operator==(const Attrs& other) const {
  if (entries_.size() != other.entries_.size()) return false;
  for (std::size_t i = 0; i < entries_.size(); ++i) {
    if (entries_[i].first != other.entries_[i].first) return false;
    if (!same(entries_[i].second, other.entries_[i].second)) return false;
  }
  return true;
}

}  // namespace keratin
