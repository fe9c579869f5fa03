#include "layers/base/naming.hpp"

#include <cctype>
#include <map>
#include <mutex>
#include <utility>

#include <keratin/layer.hpp>

#include "src/core/format.hpp"

namespace keratin {

namespace {

bool upper(char c) {
  return std::isupper(static_cast<unsigned char>(c)) != 0;
}

bool lower(char c) {
  return std::islower(static_cast<unsigned char>(c)) != 0;
}

struct Names {
  std::mutex mutex;
  std::map<std::string, std::int64_t> used;
};

Names& names() {
  static Names instance;
  return instance;
}

}  // namespace

std::string to_snake_case(std::string_view class_name) {
  // Two substitutions, one after the other as in Keras:
  //   (.)([A-Z][a-z]+) -> \1_\2   and   ([a-z])([A-Z]) -> \1_\2
  std::string words;
  for (std::size_t i = 0; i < class_name.size(); ++i) {
    const char c = class_name[i];
    const bool starts_word = i > 0 && upper(c) && i + 1 < class_name.size() &&
                             lower(class_name[i + 1]);
    if (starts_word && words.back() != '_') words += '_';
    words += c;
  }
  std::string out;
  for (std::size_t i = 0; i < words.size(); ++i) {
    if (i > 0 && lower(words[i - 1]) && upper(words[i])) out += '_';
    out +=
        static_cast<char>(std::tolower(static_cast<unsigned char>(words[i])));
  }
  return out;
}

std::string unique_name(const std::string& prefix) {
  Names& all = names();
  const std::lock_guard lock(all.mutex);
  const std::int64_t count = all.used[prefix]++;
  return count == 0 ? prefix : format("{}_{}", prefix, count);
}

namespace {

struct Scope {
  std::string path;
  const void* owner = nullptr;
};

Scope& current_scope() {
  thread_local Scope scope;
  return scope;
}

}  // namespace

NameScope::NameScope(const std::string& name, const void* owner)
    : outer_(current_scope().path), outer_owner_(current_scope().owner) {
  if (owner == outer_owner_) return;
  current_scope() = {outer_.empty() ? name : outer_ + "/" + name, owner};
}

NameScope::~NameScope() {
  current_scope() = {std::move(outer_), outer_owner_};
}

const std::string& current_name_scope() {
  return current_scope().path;
}

void clear_session() {
  Names& all = names();
  const std::lock_guard lock(all.mutex);
  all.used.clear();
}

}  // namespace keratin
