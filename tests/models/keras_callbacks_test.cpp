// What Keras's callbacks do, recorded by tests/data/make_callback_cases.py.

#include <doctest/doctest.h>
#include <unistd.h>

#include <algorithm>
#include <cstdio>
#include <filesystem>
#include <functional>
#include <string>
#include <vector>

#include <keratin/callbacks.hpp>
#include <keratin/error.hpp>
#include <keratin/layers.hpp>
#include <keratin/model.hpp>

#include "src/core/format.hpp"
#include "src/core/log.hpp"
#include "tests/support/files.hpp"
#include "tests/support/paths.hpp"
#include "tests/support/throws.hpp"

using namespace keratin;          // NOLINT
using namespace keratin::layers;  // NOLINT
using keratin::testing::message_of;
using keratin::testing::read_file;
using keratin::testing::TempDir;

namespace fs = std::filesystem;

namespace {

using Callbacks = std::vector<std::shared_ptr<Callback>>;

const Config& recorded() {
  static const Config config = Config::parse(
      read_file(keratin::testing::fixture("callbacks/keras.json")));
  return config;
}

std::vector<float> floats(const Config& list) {
  std::vector<float> out;
  for (const Config& item : list.as_array()) {
    out.push_back(static_cast<float>(item.as_number()));
  }
  return out;
}

Tensor column(const char* name) {
  return Tensor(floats(recorded().at(name)), {6, 1});
}

Sequential make_model(optimizers::SGDOptions options = {}) {
  options.learning_rate = 0.125;
  Sequential model({Input({1}), Dense(1)});
  model.set_weights(
      {Tensor(std::vector<float>{0.5F}, {1, 1}),
       Tensor(std::vector<float>{0.25F}, {1})});
  model.compile({.optimizer = optimizers::SGD(options), .loss = "mse"});
  return model;
}

FitArguments arguments_of(Callbacks callbacks, std::int64_t epochs = 3) {
  FitArguments arguments;
  arguments.verbose = 0;
  arguments.batch_size = 2;
  arguments.shuffle = false;
  arguments.epochs = epochs;
  arguments.validation_data = {
      column("x").slice(0, 2), column("y").slice(0, 2)};
  arguments.callbacks = std::move(callbacks);
  return arguments;
}

History fit(Model& model, const FitArguments& arguments) {
  return model.fit(column("x"), column("y"), arguments);
}

/// LambdaCallback with every call noted.
std::shared_ptr<Callback> noting(Config& calls) {
  const auto plain = [&calls](const char* name) {
    return [&calls, name](Logs&) { calls.push_back(name); };
  };
  const auto numbered = [&calls](const char* name) {
    return [&calls, name](std::int64_t number, Logs&) {
      calls.push_back(format("{} {}", name, number));
    };
  };
  return callbacks::LambdaCallback(
      {.on_epoch_begin = numbered("on_epoch_begin"),
       .on_epoch_end = numbered("on_epoch_end"),
       .on_train_begin = plain("on_train_begin"),
       .on_train_end = plain("on_train_end"),
       .on_train_batch_begin = numbered("on_train_batch_begin"),
       .on_train_batch_end = numbered("on_train_batch_end"),
       .on_test_begin = plain("on_test_begin"),
       .on_test_end = plain("on_test_end"),
       .on_test_batch_begin = numbered("on_test_batch_begin"),
       .on_test_batch_end = numbered("on_test_batch_end"),
       .on_predict_begin = plain("on_predict_begin"),
       .on_predict_end = plain("on_predict_end"),
       .on_predict_batch_begin = numbered("on_predict_batch_begin"),
       .on_predict_batch_end = numbered("on_predict_batch_end")});
}

/// What is printed while `f` runs.
std::string printed(const std::function<void()>& f) {
  std::fflush(stdout);
  std::FILE* const file = std::tmpfile();
  REQUIRE(file != nullptr);
  const int before = dup(STDOUT_FILENO);
  dup2(fileno(file), STDOUT_FILENO);
  f();
  std::fflush(stdout);
  dup2(before, STDOUT_FILENO);
  close(before);
  std::string text;
  std::rewind(file);
  for (int c = std::fgetc(file); c != EOF; c = std::fgetc(file)) {
    text += static_cast<char>(c);
  }
  std::fclose(file);
  return text;
}

std::vector<std::string> names_in(const fs::path& folder) {
  std::vector<std::string> names;
  for (const auto& entry : fs::directory_iterator(folder)) {
    names.push_back(entry.path().filename().string());
  }
  std::sort(names.begin(), names.end());
  return names;
}

std::vector<std::string> texts(const Config& list) {
  std::vector<std::string> out;
  for (const Config& item : list.as_array()) out.push_back(item.as_string());
  return out;
}

/// Puts the recorded values into the logs, for callbacks behind it.
std::shared_ptr<Callback> given_logs() {
  return callbacks::LambdaCallback(
      {.on_epoch_end = [](std::int64_t epoch, Logs& logs) {
        for (const auto& [name, values] : recorded().at("values").as_object()) {
          logs.set(
              name,
              values.as_array()[static_cast<std::size_t>(epoch)].as_number());
        }
      }});
}

std::shared_ptr<Callback> checkpoint_of(
    const Config& arguments, const fs::path& folder) {
  Config config = arguments;
  config["filepath"] = (folder / arguments.at("filepath").as_string()).string();
  config["verbose"] = 1;
  return callbacks::from_config("ModelCheckpoint", config);
}

}  // namespace

TEST_CASE("Callbacks are called as Keras calls them, numbers included") {
  const Config& order = recorded().at("order");
  for (const auto& entry :
       {std::pair{"plain", 1},
        {"without validation", 0},
        {"validation_freq 2", 2}}) {
    const char* const name = entry.first;
    const int freq = entry.second;
    CAPTURE(name);
    Config calls = Config::array();
    FitArguments arguments = arguments_of({noting(calls)}, 2);
    if (freq == 0) arguments.validation_data.reset();
    arguments.validation_freq = std::max(freq, 1);
    Sequential model = make_model();
    fit(model, arguments);
    CHECK(calls.dump() == order.at(name).dump());
  }
  Config calls = Config::array();
  const auto callback = noting(calls);
  Sequential model = make_model();
  model.evaluate(
      column("x"),
      column("y"),
      {.batch_size = 4, .verbose = 0, .callbacks = {callback}});
  model.predict(column("x"), {.batch_size = 4, .callbacks = {callback}});
  CHECK(calls.dump() == order.at("evaluate and predict").dump());
}

TEST_CASE("CSVLogger writes Keras's text") {
  const Config& csv = recorded().at("csv");
  const TempDir folder;
  const std::string path = (folder / "log.csv").string();
  const auto write = [&](std::int64_t epochs,
                         callbacks::CSVLoggerOptions options,
                         std::int64_t freq) {
    Sequential model = make_model();
    FitArguments arguments =
        arguments_of({callbacks::CSVLogger(path, options)}, epochs);
    if (freq == 0) arguments.validation_data.reset();
    arguments.validation_freq = std::max<std::int64_t>(freq, 1);
    fit(model, arguments);
    return read_file(path);
  };
  CHECK(write(2, {}, 1) == csv.at("plain").as_string());
  CHECK(write(1, {.separator = ";"}, 1) == csv.at("separator").as_string());
  CHECK(write(2, {}, 2) == csv.at("validation_freq").as_string());
  fs::remove(path);
  write(1, {.append = true}, 0);
  CHECK(write(1, {.append = true}, 0) == csv.at("append").as_string());
}

TEST_CASE("CSVLogger says what cannot be opened") {
  const TempDir folder;
  Sequential model = make_model();
  const auto logger =
      callbacks::CSVLogger((folder / "nowhere" / "log.csv").string());
  CHECK(message_of<SystemError>([&] {
          fit(model, arguments_of({logger}));
        }).find("open failed: No such file") != std::string::npos);
  CHECK_THROWS_AS(
      callbacks::CSVLogger("a.csv", {.separator = ", "}), InvalidArgument);
}

TEST_CASE("ModelCheckpoint writes the files that Keras writes") {
  for (const Config& one : recorded().at("checkpoints").as_array()) {
    const Config& arguments = one.at("arguments");
    CAPTURE(arguments.dump());
    const TempDir folder;
    const LogCapture capture;  // "nothing" is not logged
    std::string said = printed([&] {
      Sequential model = make_model();
      fit(model,
          arguments_of(
              {given_logs(), checkpoint_of(arguments, folder.path())}, 5));
    });
    CHECK(names_in(folder.path()) == texts(one.at("files")));
    for (std::size_t at;
         (at = said.find(folder.path().string() + "/")) != std::string::npos;) {
      said.erase(at, folder.path().string().size() + 1);
    }
    std::string wanted;
    for (const std::string& text : texts(one.at("said"))) {
      wanted += text + "\n";
    }
    CHECK(said == wanted);
  }
}

TEST_CASE("ModelCheckpoint's files are the model as it was then") {
  const TempDir folder;
  const std::string pattern = (folder / "new" / "{epoch}.keras").string();
  Sequential model = make_model();
  std::vector<std::vector<Tensor>> weights;
  fit(model,
      arguments_of(
          {callbacks::ModelCheckpoint(pattern),
           callbacks::LambdaCallback({.on_epoch_end = [&](std::int64_t, Logs&) {
             weights.push_back(model.get_weights());
           }})}));
  for (std::size_t i = 0; i < 3; ++i) {
    const Model loaded = load_model(
        (folder / "new" / (std::to_string(i + 1) + ".keras")).string());
    CHECK(loaded.get_weights() == weights[i]);
    CHECK(loaded.optimizer().iterations() == static_cast<int>(i + 1) * 3);
  }
}

TEST_CASE("ModelCheckpoint keeps the last files it is told to") {
  const TempDir folder;
  keratin::testing::write_file(folder / "mine.txt", "mine");
  Sequential model = make_model();
  fit(model,
      arguments_of(
          {callbacks::ModelCheckpoint(
              (folder / "{epoch}.keras").string(), {.max_to_keep = 2})},
          5));
  CHECK(
      names_in(folder.path()) ==
      std::vector<std::string>{"4.keras", "5.keras", "mine.txt"});
}

TEST_CASE("ModelCheckpoint's arguments and names are checked") {
  CHECK_THROWS_AS(callbacks::ModelCheckpoint("a.txt"), InvalidArgument);
  CHECK_THROWS_AS(callbacks::ModelCheckpoint("a.weights.h5"), InvalidArgument);
  CHECK_THROWS_AS(
      callbacks::ModelCheckpoint("a.keras", {.save_weights_only = true}),
      InvalidArgument);
  CHECK_THROWS_AS(
      callbacks::ModelCheckpoint("a.keras", {.save_freq = 0}), InvalidArgument);
  CHECK_THROWS_AS(
      callbacks::ModelCheckpoint("a.keras", {.save_freq = "batch"}),
      InvalidArgument);
  CHECK_THROWS_AS(
      callbacks::ModelCheckpoint("a.keras", {.max_to_keep = 0}),
      InvalidArgument);
  CHECK(
      message_of<InvalidArgument>([] {
        callbacks::from_config(
            "ModelCheckpoint",
            Config::parse(R"({"filepath": "a.keras", "save_freq": "batch"})"));
      })
          .find(
              "save_freq] expected \"epoch\" or a number of batches >= 1, got "
              "\"batch\"") != std::string::npos);
  const auto problem = [](const char* pattern) {
    Sequential model = make_model();
    return message_of<InvalidArgument>([&] {
      fit(model, arguments_of({callbacks::ModelCheckpoint(pattern)}, 1));
    });
  };
  CHECK(
      problem("{val_los}.keras") ==
      "[ModelCheckpoint] filepath '{val_los}.keras': nothing is called "
      "'val_los'; there is epoch, loss, val_loss");
  CHECK(problem("{loss:d}.keras").find("cannot format") != std::string::npos);
  CHECK(problem("{loss.keras").find("stands alone") != std::string::npos);
}

TEST_CASE("ModelCheckpoint that cannot write warns and training goes on") {
  const TempDir folder;
  keratin::testing::write_file(folder / "file", "in the way");
  const LogCapture capture;
  Sequential model = make_model();
  const History history =
      fit(model,
          arguments_of({callbacks::ModelCheckpoint(
              (folder / "file" / "{epoch}.keras").string())}));
  CHECK(history.epoch.size() == 3);
  CHECK(capture.contains("[ModelCheckpoint] nothing was saved: "));
}

TEST_CASE("SwapEMAWeights puts the averages in as Keras does") {
  for (const Config& one : recorded().at("averages").as_array()) {
    const bool swap = one.at("swap_on_epoch").as_bool();
    CAPTURE(swap);
    optimizers::SGDOptions options;
    options.use_ema = true;
    options.ema_momentum = 0.5;
    const Config& overwrite = one.at("ema_overwrite_frequency");
    if (!overwrite.is_null()) {
      options.ema_overwrite_frequency = overwrite.as_int();
    }
    Sequential model = make_model(options);
    std::vector<std::vector<float>> seen;
    const auto see = [&] {
      std::vector<float> all;
      for (const Tensor& weight : model.get_weights()) {
        for (const float value : weight.to_vector<float>()) {
          all.push_back(value);
        }
      }
      seen.push_back(std::move(all));
    };
    FitArguments arguments = arguments_of(
        {callbacks::SwapEMAWeights({.swap_on_epoch = swap}),
         callbacks::LambdaCallback(
             {.on_epoch_end = [&](std::int64_t, Logs&) { see(); },
              .on_test_begin = [&](Logs&) { see(); },
              .on_test_end = [&](Logs&) { see(); }})});
    arguments.validation_data = {column("x"), column("y")};
    const History history = fit(model, arguments);
    see();
    const auto close = [](const std::vector<float>& a,
                          const std::vector<float>& b) {
      REQUIRE(a.size() == b.size());
      for (std::size_t i = 0; i < a.size(); ++i) {
        CHECK(a[i] == doctest::Approx(b[i]).epsilon(1e-6));
      }
    };
    const Config::Array& wanted = one.at("seen").as_array();
    REQUIRE(seen.size() == wanted.size() + 1);
    for (std::size_t i = 0; i < wanted.size(); ++i) {
      CAPTURE(i);
      close(seen[i], floats(wanted[i]));
    }
    close(seen.back(), floats(one.at("final")));
    const std::vector<double>& losses = history["val_loss"];
    close({losses.begin(), losses.end()}, floats(one.at("val_loss")));
  }
}

TEST_CASE("SwapEMAWeights wants an optimizer with averages") {
  Sequential model = make_model();
  CHECK(message_of<InvalidArgument>([&] {
          fit(model, arguments_of({callbacks::SwapEMAWeights()}));
        }).find("compile with use_ema = true") != std::string::npos);
}

TEST_CASE("SwapEMAWeights finds the averages inside other optimizers") {
  optimizers::SGDOptions options;
  options.learning_rate = 0.125;
  options.use_ema = true;
  Sequential model = make_model();
  model.compile(
      {.optimizer = optimizers::LossScaleOptimizer(optimizers::SGD(options)),
       .loss = "mse"});
  std::vector<std::vector<Tensor>> seen;
  fit(model,
      arguments_of(
          {callbacks::SwapEMAWeights(),
           callbacks::LambdaCallback(
               {.on_test_begin =
                    [&](Logs&) { seen.push_back(model.get_weights()); },
                .on_test_end =
                    [&](Logs&) { seen.push_back(model.get_weights()); }})},
          1));
  REQUIRE(seen.size() == 2);
  CHECK(seen[0] != seen[1]);
}

TEST_CASE("TerminateOnNaN can throw") {
  Sequential model = make_model();
  model.compile(
      {.optimizer = optimizers::SGD({.learning_rate = 1e30}), .loss = "mse"});
  bool ended = false;
  FitArguments arguments = arguments_of(
      {callbacks::TerminateOnNaN({.raise_error = true}),
       callbacks::LambdaCallback(
           {.on_train_end = [&](Logs&) { ended = true; }})});
  CHECK(message_of<Error>([&] {
          fit(model, arguments);
        }).find("NaN or Inf loss encountered at batch") != std::string::npos);
  CHECK_FALSE(ended);
}

TEST_CASE("ProgbarLogger takes the place of fit's own bar") {
  const auto shown = [](Callbacks list, int verbose) {
    return printed([&] {
      Sequential model = make_model();
      FitArguments arguments = arguments_of(std::move(list), 2);
      arguments.verbose = verbose;
      fit(model, arguments);
    });
  };
  CHECK(shown({}, 0).empty());
  CHECK(shown({callbacks::ProgbarLogger()}, 0).empty());
  const std::string lines = shown({callbacks::ProgbarLogger()}, 2);
  CHECK(std::count(lines.begin(), lines.end(), '\n') == 2);
  CHECK(lines.find("val_loss: ") != std::string::npos);
  CHECK(lines.find("\r") == std::string::npos);
  // In its place: what callbacks behind it add is not shown.
  CHECK(
      shown({callbacks::ProgbarLogger(), given_logs()}, 2).find("score") ==
      std::string::npos);
  CHECK(shown({given_logs()}, 2).find("score") != std::string::npos);
}

TEST_CASE("Every callback of configs is made from its arguments") {
  for (const auto& entry :
       {std::pair{"BackupAndRestore", R"({"backup_dir": "d", "save_freq": 3,
                  "double_checkpoint": true, "delete_checkpoint": false})"},
        {"CSVLogger",
         R"({"filename": "a.csv", "separator": ";", "append": true})"},
        {"ModelCheckpoint", R"({"filepath": "a.keras", "max_to_keep": 3})"},
        {"ProgbarLogger", "{}"},
        {"SwapEMAWeights", R"({"swap_on_epoch": true})"},
        {"TerminateOnNaN", R"({"raise_error": true})"}}) {
    const char* const name = entry.first;
    CAPTURE(name);
    CHECK(callbacks::from_config(name, Config::parse(entry.second)) != nullptr);
  }
  CHECK_THROWS_AS(callbacks::from_config("CSVLogger", {}), InvalidArgument);
}
