#include <algorithm>
#include <utility>

#include <keratin/error.hpp>
#include <keratin/training.hpp>

#include "src/core/format.hpp"
#include "src/core/names.hpp"

namespace keratin {

MetricSet::MetricSet(std::vector<Named> named) : flat_(false) {
  for (Named& item : named) {
    names_.push_back(std::move(item.first));
    lists_.push_back(std::move(item.second));
  }
}

void Logs::fetch() const {
  if (!source_) return;
  const Source source = std::exchange(source_, {});
  std::vector<Entry> fetched = source();
  // What was set by hand comes after what was computed.
  for (Entry& entry : entries_) fetched.push_back(std::move(entry));
  entries_ = std::move(fetched);
}

const std::vector<Logs::Entry>& Logs::entries() const {
  fetch();
  return entries_;
}

std::optional<double> Logs::find(const std::string& name) const {
  for (const Entry& entry : entries()) {
    if (entry.first == name) return entry.second;
  }
  return {};
}

namespace {

template <class Entries>
[[noreturn]] void no_such(
    const char* who, const std::string& name, const Entries& entries) {
  std::vector<std::string> names;
  std::string list;
  for (const auto& entry : entries) {
    names.push_back(entry.first);
    list += (list.empty() ? "" : ", ") + entry.first;
  }
  throw InvalidArgument(format(
      "[{}] nothing is called '{}'{}; there is {}",
      who,
      name,
      did_you_mean(name, names),
      list.empty() ? "nothing" : list));
}

}  // namespace

double Logs::at(const std::string& name) const {
  const std::optional<double> value = find(name);
  if (!value) no_such("logs", name, entries());
  return *value;
}

void Logs::set(const std::string& name, double value) {
  fetch();
  for (Entry& entry : entries_) {
    if (entry.first == name) {
      entry.second = value;
      return;
    }
  }
  entries_.emplace_back(name, value);
}

bool History::contains(const std::string& name) const {
  return std::any_of(history.begin(), history.end(), [&](const auto& entry) {
    return entry.first == name;
  });
}

const std::vector<double>& History::operator[](const std::string& name) const {
  for (const auto& [known, values] : history) {
    if (known == name) return values;
  }
  no_such("history", name, history);
}

}  // namespace keratin
