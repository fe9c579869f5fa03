// What was chosen by timing is part of a model and of its file.

#include <doctest/doctest.h>

#include <string>
#include <vector>

#include <keratin/backend.hpp>
#include <keratin/error.hpp>
#include <keratin/layers.hpp>
#include <keratin/model.hpp>

#include "src/core/log.hpp"
#include "src/io/zip.hpp"
#include "src/train/trainer_state.hpp"
#include "tests/support/paths.hpp"
#include "tests/support/skip.hpp"
#include "tests/support/throws.hpp"

using namespace keratin;          // NOLINT
using namespace keratin::layers;  // NOLINT
using keratin::testing::message_of;

namespace {

Sequential network() {
  Sequential model(
      {Input({24, 24, 3}),
       Conv2D(16, {3, 3}, {.activation = "relu"}),
       Flatten(),
       Dense(33),
       Dense(5)});
  model.compile({.optimizer = "sgd", .loss = "mse"});
  return model;
}

void fit(Model& model, std::int64_t rows, std::int64_t batch_size) {
  model.fit(
      Tensor::full(DType::f32, {rows, 24, 24, 3}, 0.01),
      Tensor(DType::f32, {rows, 5}),
      {.batch_size = batch_size, .verbose = 0});
}

const Choices& choices_of(const Model& model) {
  return *model.model_impl().trainer_state().choices;
}

/// The file's own part, changed.
void rewrite(
    const std::string& from, const std::string& to, const std::string& own) {
  const io::ZipReader archive = io::ZipReader::open(from);
  io::ZipWriter copy;
  for (const io::ZipMember& member : archive.members()) {
    if (member.name == "keratin.json") continue;
    const io::SharedBytes content = archive.read(member.name);
    copy.add(member.name, io::as_text(content.bytes));
  }
  copy.add("keratin.json", own);
  copy.save(to);
}

}  // namespace

TEST_CASE("The last, partial batch makes the full batches' choices") {
  if (backend_name() != "cpu") KERATIN_SKIP("only cpu chooses by timing");
  Sequential model = network();
  fit(model, 40, 32);
  const Config all = choices_of(model).to_config();
  REQUIRE(all.size() == 1);
  int partial = 0;
  for (const auto& entry : all.as_object()[0].second.as_object()) {
    const auto& name = entry.first;
    const auto& sizes = entry.second;
    CAPTURE(name);
    if (sizes.size() == 1) continue;  // small work of one of the two
    CHECK(sizes.at("32") == sizes.at("8"));
    ++partial;
  }
  CHECK(partial >= 2);
}

TEST_CASE("A file holds the choices, and the model that is loaded makes them") {
  if (backend_name() != "cpu") KERATIN_SKIP("only cpu chooses by timing");
  const keratin::testing::TempDir dir;
  Sequential model = network();
  fit(model, 32, 32);
  const std::string path = (dir / "m.keras").string();
  model.save(path);
  const Config before = choices_of(model).to_config();
  CHECK(before.size() == 1);
  Model same = load_model(path);
  CHECK(choices_of(same).to_config() == before);

  // Other choices in the file are other choices in the run.
  Config own = Config::object({{"choices", before}});
  int changed = 0;
  for (auto& [name, sizes] : own["choices"].as_object()[0].second.as_object()) {
    if (!name.starts_with("matmul")) continue;
    for (auto& [size, choice] : sizes.as_object()) {
      choice = choice == Config("plain") ? Config("packed b") : Config("plain");
      ++changed;
    }
  }
  REQUIRE(changed > 0);
  const std::string other = (dir / "other.keras").string();
  rewrite(path, other, own.dump());
  Model resumed = load_model(other);
  const LogCapture log({"dispatch"});
  fit(resumed, 32, 32);
  CHECK_FALSE(log.contains(" takes "));
  CHECK(choices_of(resumed).to_config() == own.at("choices"));
}

TEST_CASE("Choices that are none are refused by file and place") {
  const keratin::testing::TempDir dir;
  Sequential model = network();
  const std::string path = (dir / "m.keras").string();
  const std::string bad = (dir / "bad.keras").string();
  model.save(path);
  const auto refused = [&](const std::string& own) {
    rewrite(path, bad, own);
    return message_of<InvalidArgument>([&] { load_model(bad); });
  };
  CHECK(
      refused(R"({"choices": [1, 2]})") ==
      "[bad.keras/keratin.json] expected an object, got array");
  CHECK(refused("{").find("bad.keras/keratin.json") != std::string::npos);
  // What a later version adds is no reason to refuse a model.
  rewrite(path, bad, R"({"more": 1})");
  CHECK(choices_of(load_model(bad)).empty());
}
