// Keras's methods, and modules that are no catalogues: each name is in a public
// header, or docs/keras_names.md says why not.

#include <doctest/doctest.h>

#include <cctype>
#include <map>
#include <set>
#include <string>
#include <string_view>
#include <vector>

#include <keratin/config.hpp>

#include "tests/support/documented_names.hpp"

using keratin::Config;
using keratin::testing::documented_names;
using keratin::testing::fixture;
using keratin::testing::read_file;
using keratin::testing::source_dir;

namespace {

const std::map<std::string, std::vector<std::string>> kHeaders = {
    {"Callback", {"callbacks.hpp"}},
    {"Layer", {"layer.hpp"}},
    {"Model", {"model.hpp", "layer.hpp", "training.hpp", "files.hpp"}},
    {"Optimizer", {"optimizers/optimizer.hpp"}},
    {"Sequential", {"model.hpp", "layer.hpp", "training.hpp", "files.hpp"}},
    {"datasets", {"datasets.hpp"}},
    {"distribution", {"threads.hpp", "backend.hpp"}},
    {"dtype_policies", {"dtype_policy.hpp"}},
    {"mixed_precision", {"dtype_policy.hpp"}},
    {"models", {"model.hpp", "files.hpp"}},
    {"quantizers", {}},
    {"random", {"random.hpp"}},
};

/// Where the arguments of a function stand.
const std::map<std::string, std::string> kArguments = {
    {"clone_model", "Model clone_model("},
    {"compile", "struct CompileArguments {"},
    {"evaluate", "struct EvaluateArguments {"},
    {"fit", "struct FitArguments {"},
    {"load_model", "struct LoadOptions {"},
    {"load_weights", "struct LoadWeightsOptions {"},
    {"plot_model", "struct PlotOptions {"},
    {"predict", "struct PredictArguments {"},
    {"save", "void save("},
    {"save_weights", "void save_weights("},
    {"summary", "struct SummaryOptions {"},
};

/// What comes first, without a name.
const std::set<std::string> kPositional = {
    "filepath", "model", "to_file", "x", "y"};

std::string header_text(const std::vector<std::string>& names) {
  std::string all;
  for (const std::string& name : names) {
    all += read_file(source_dir() / "include/keratin" / name);
  }
  return all;
}

bool in_word(char c) {
  return std::isalnum(static_cast<unsigned char>(c)) != 0 || c == '_';
}

/// Whether the text has the word, and one of `next` after it.
bool declares(
    std::string_view text, std::string_view word, std::string_view next) {
  for (std::size_t at = 0; (at = text.find(word, at)) != text.npos; ++at) {
    if (at > 0 && in_word(text[at - 1])) continue;
    std::size_t end = at + word.size();
    if (end < text.size() && in_word(text[end])) continue;
    while (end < text.size() && text[end] == ' ') ++end;
    if (end < text.size() && next.find(text[end]) != next.npos) return true;
  }
  return false;
}

void check_same(
    const std::set<std::string>& missing,
    const std::set<std::string>& reasons) {
  for (const std::string& row : missing) {
    CHECK_MESSAGE(reasons.contains(row), "not in docs/keras_names.md: ", row);
  }
  for (const std::string& row : reasons) {
    CHECK_MESSAGE(
        missing.contains(row), "documented as missing, but is here: ", row);
  }
}

Config keras_names() {
  return Config::parse(read_file(fixture("catalogue/keras_names.json")));
}

}  // namespace

TEST_CASE("Keras's methods and modules are here, or documented") {
  std::set<std::string> missing;
  std::set<std::string> kinds;
  const Config keras = keras_names();
  for (const auto& [kind, names] : keras.at("sections").as_object()) {
    REQUIRE(kHeaders.contains(kind));
    kinds.insert(kind);
    const std::string text = header_text(kHeaders.at(kind));
    for (const Config& name : names.as_array()) {
      if (declares(text, name.as_string(), "({;")) continue;
      // A Sequential lacks what every model does.
      if (kind == "Sequential" &&
          missing.contains("Model " + name.as_string())) {
        continue;
      }
      missing.insert(kind + " " + name.as_string());
    }
  }
  check_same(missing, documented_names(kinds));
}

TEST_CASE("Arguments of Keras's methods are here, or documented") {
  const std::string text =
      header_text({"model.hpp", "training.hpp", "files.hpp"});
  std::set<std::string> missing;
  const Config keras = keras_names();
  for (const Config::Member& method : keras.at("methods").as_object()) {
    const std::string& name = method.first;
    const Config& arguments = method.second;
    CAPTURE(name);
    REQUIRE(kArguments.contains(name));
    const std::string& start = kArguments.at(name);
    const std::size_t begin = text.find(start);
    REQUIRE(begin != text.npos);
    const bool is_struct = start.starts_with("struct");
    const std::string part =
        text.substr(begin, text.find(is_struct ? "\n};" : ";", begin) - begin);
    for (const Config& argument : arguments.as_array()) {
      const std::string& word = argument.as_string();
      if (kPositional.contains(word) || declares(part, word, "=;{,)")) continue;
      missing.insert("methods " + name + " " + word);
    }
  }
  check_same(missing, documented_names({"methods"}));
}
