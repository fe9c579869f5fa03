#pragma once

#include <cstddef>
#include <iterator>
#include <string>
#include <string_view>
#include <vector>

namespace keratin {

/// Edits (insert, delete, replace, swap neighbours) from one name to the other,
/// upper and lower case being the same.
std::size_t edit_distance(std::string_view a, std::string_view b);

namespace detail {
std::string nearest_of(
    std::string_view name, const std::vector<std::string_view>& candidates);
}

/// The candidate nearest to a misspelt name; empty when none is near. Takes any
/// range of strings.
template <class Range>
std::string nearest_name(std::string_view name, const Range& candidates) {
  return detail::nearest_of(
      name,
      std::vector<std::string_view>(
          std::begin(candidates), std::end(candidates)));
}

/// The tail of an error message: `; did you mean "Dense"?`, or nothing.
template <class Range>
std::string did_you_mean(std::string_view name, const Range& candidates) {
  const std::string nearest = nearest_name(name, candidates);
  return nearest.empty() ? nearest : "; did you mean \"" + nearest + "\"?";
}

}  // namespace keratin
