// Everything that Keras names is here with Keras's arguments and defaults, or
// docs/keras_names.md says why not.

#include <doctest/doctest.h>

#include <algorithm>
#include <cctype>
#include <fstream>
#include <iterator>
#include <set>
#include <sstream>
#include <string>
#include <vector>

#include <keratin/experiment.hpp>

#include "tests/support/documented_names.hpp"
#include "tests/support/paths.hpp"

using keratin::Config;

namespace {

std::string text_of(const std::filesystem::path& path) {
  std::ifstream in(path);
  return {std::istreambuf_iterator<char>(in), {}};
}

std::set<std::string> documented() {
  std::set<std::string> kinds;
  for (const std::string& kind : keratin::catalogue_kinds()) kinds.insert(kind);
  return keratin::testing::documented_names(kinds);
}

std::string plain(std::string name) {
  if (name == "uniform") name = "random_uniform";
  std::erase(name, '_');
  for (char& c : name) {
    c = static_cast<char>(std::tolower(static_cast<unsigned char>(c)));
  }
  return name;
}

/// Whether our default means what Keras's does.
bool same(const Config& keras, const Config& ours) {
  if (keras == ours) return true;
  if (keras.is_null()) {
    // Keras's None where we say what it stands for.
    return ours == Config("") || (ours.is_array() && ours.size() == 0) ||
           ours == Config("linear") || ours == Config("channels_last") ||
           (ours.contains("class_name") &&
            ours.at("class_name").as_string() == "DTypePolicy");
  }
  if (keras.is_number() && ours.is_number()) {
    return keras.as_number() == ours.as_number();
  }
  if (keras.is_array() && ours.is_array() && keras.size() == ours.size()) {
    for (std::size_t i = 0; i < keras.size(); ++i) {
      if (!same(keras.as_array()[i], ours.as_array()[i])) return false;
    }
    return true;
  }
  const auto all = [](const Config& list, const Config& item) {
    return std::all_of(
        list.as_array().begin(), list.as_array().end(), [&](const Config& one) {
          return same(one, item);
        });
  };
  // One number stands for one per axis.
  if (keras.is_array() && keras.size() > 0 && !ours.is_array()) {
    return all(keras, ours);
  }
  if (ours.is_array() && ours.size() > 0 && !keras.is_array()) {
    return all(ours, keras);
  }
  if (keras.is_string()) {
    const Config* name = ours.find("class_name");
    const Config& text = name != nullptr ? *name : ours;
    return text.is_string() &&
           plain(text.as_string()) == plain(keras.as_string());
  }
  return false;
}

/// "kind Name argument" -> "kind * argument", for rows about all names.
std::string of_any(const std::string& row) {
  const std::size_t first = row.find(' ');
  const std::size_t second = row.find(' ', first + 1);
  if (second == std::string::npos) return row;
  return row.substr(0, first) + " *" + row.substr(second);
}

struct Finder {
  std::set<std::string> missing;  // what differs from Keras
  std::string report;

  void note(const std::string& row, const std::string& why) {
    missing.insert(row);
    report += row + ": " + why + "\n";
  }

  void compare(
      const std::string& kind,
      const std::string& name,
      const Config& keras,
      const Config& ours) {
    const Config* properties = ours.find("properties");
    for (const auto& [argument, wanted] : keras.at("arguments").as_object()) {
      const std::string row = kind + " " + name + " " + argument;
      const Config* field =
          properties == nullptr ? nullptr : properties->find(argument);
      const bool tensor = kind == "activations" && argument == "x";
      if (tensor) continue;
      // Null: an architecture's own name.
      const bool named = kind == "applications" && argument == "name";
      if (named && field != nullptr) continue;
      if (field == nullptr) {
        // What every layer, loss and optimizer takes is checked elsewhere.
        note(row, "no such argument");
        continue;
      }
      const bool required = wanted.contains("required");
      bool needed = false;
      if (const Config* list = ours.find("required")) {
        for (const Config& item : list->as_array()) {
          needed = needed || item == Config(argument);
        }
      }
      if (required != needed) {
        note(row, required ? "required by Keras" : "not required by Keras");
      } else if (argument == "dtype" && wanted.at("default").is_null()) {
        continue;  // the global policy, or what the layer yields
      } else if (
          !required && field->contains("default") &&
          !same(wanted.at("default"), field->at("default"))) {
        note(
            row,
            "Keras " + wanted.at("default").dump() + ", ours " +
                field->at("default").dump());
      }
    }
  }
};

}  // namespace

TEST_CASE("Keras's other names lead to the same entries of the catalogue") {
  const Config keras = Config::parse(
      text_of(keratin::testing::fixture("catalogue/keras_names.json")),
      "keras_names.json");
  int count = 0;
  for (const std::string& kind : keratin::catalogue_kinds()) {
    const Config ours = keratin::catalogue(kind);
    const Config aliases = keratin::catalogue_aliases(kind);
    const auto entry_of = [&](const std::string& name) {
      const Config* const of = aliases.find(name);
      return of == nullptr ? name : of->as_string();
    };
    for (const Config::Member& entry : aliases.as_object()) {
      const std::string& alias = entry.first;
      const Config& name = entry.second;
      CAPTURE(kind);
      CAPTURE(alias);
      CHECK(ours.contains(name.as_string()));
      CHECK_FALSE(ours.contains(alias));
    }
    const Config* names = keras.find(kind);
    if (names == nullptr) continue;
    for (const auto& [name, entry] : names->as_object()) {
      for (const Config& alias : entry.at("aliases").as_array()) {
        const std::string& other = alias.as_string();
        CAPTURE(kind);
        CAPTURE(other);
        CHECK(ours.contains(entry_of(other)));
        CHECK(entry_of(other) == entry_of(name));
        ++count;
      }
    }
  }
  CHECK(count > 40);
}

TEST_CASE("Keras's names are here with their arguments, or documented") {
  const Config keras = Config::parse(
      text_of(keratin::testing::fixture("catalogue/keras_names.json")),
      "keras_names.json");
  Finder finder;
  for (const std::string& kind : keratin::catalogue_kinds()) {
    const Config* names = keras.find(kind);
    if (names == nullptr) continue;
    const Config ours = keratin::catalogue(kind);
    for (const auto& [name, entry] : names->as_object()) {
      const Config* found = ours.find(name);
      for (const Config& alias : entry.at("aliases").as_array()) {
        if (found == nullptr) found = ours.find(alias.as_string());
      }
      if (found == nullptr) {
        finder.note(kind + " " + name, "missing");
      } else {
        finder.compare(kind, name, entry, *found);
      }
    }
  }
  const std::set<std::string> reasons = documented();
  std::string undocumented;
  std::istringstream report(finder.report);
  for (std::string line; std::getline(report, line);) {
    const std::string row = line.substr(0, line.find(':'));
    if (!reasons.contains(row) && !reasons.contains(of_any(row))) {
      undocumented += line + "\n";
    }
  }
  CHECK_MESSAGE(
      undocumented.empty(),
      "not as in Keras, and not in docs/keras_names.md:\n",
      undocumented);
  std::set<std::string> differing = finder.missing;
  for (const std::string& row : finder.missing) differing.insert(of_any(row));
  for (const std::string& row : reasons) {
    CHECK_MESSAGE(
        differing.contains(row),
        "documented as different, but is as in Keras: ",
        row);
  }
}
