#include "tests/layers/text/text_support.hpp"

namespace keratin {

using namespace testing;
namespace kl = layers;
using Strings = std::vector<std::string>;

namespace {

/// The vocabulary that one text yields, in order of the alphabet backwards.
Strings tokens_of(kl::TextVectorizationOptions options, std::string text) {
  kl::TextVectorization layer(std::move(options));
  layer.adapt(texts({std::move(text)}));
  return layer.get_vocabulary(false);
}

}  // namespace

TEST_CASE("TextVectorization does what Keras's documentation shows") {
  kl::TextVectorization layer(
      {.max_tokens = 5000, .output_sequence_length = 4});
  layer.adapt(texts({"foo bar", "bar baz", "baz bada boom"}));
  check_equal(
      layer(texts({"foo qux bar", "qux baz"}, {2, 1})),
      {2, 4},
      {4, 1, 3, 0, 1, 2, 0, 0});
  CHECK(
      layer.get_vocabulary() ==
      Strings{"", "[UNK]", "baz", "bar", "foo", "boom", "bada"});
  CHECK(layer(texts({"foo"})).dtype() == DType::i64);
}

TEST_CASE("TextVectorization standardizes and splits") {
  const std::string text = "It's Über-COOL, über";
  CHECK(tokens_of({}, text) == Strings{"über", "Übercool", "its"});
  CHECK(
      tokens_of({.standardize = "lower"}, text) ==
      Strings{"über", "Über-cool,", "it's"});
  CHECK(
      tokens_of({.standardize = "strip_punctuation"}, text) ==
      Strings{"über", "ÜberCOOL", "Its"});
  CHECK(
      tokens_of({.standardize = nullptr}, text) ==
      Strings{"über", "Über-COOL,", "It's"});
  CHECK(
      tokens_of({.split = "character"}, "ab ä") == Strings{"ä", "b", "a", " "});
  CHECK(
      tokens_of({.standardize = nullptr, .split = nullptr}, text) ==
      Strings{text});
  CHECK(
      tokens_of(
          {.standardize = [](const std::string& s) { return s + " end"; },
           .split =
               [](const std::string& s) {
                 return Strings{s.substr(0, 1), s.substr(1)};
               }},
          "xyz") == Strings{"yz end", "x"});
}

TEST_CASE("TextVectorization joins words") {
  CHECK(
      tokens_of({.ngrams = std::int64_t{2}}, "a b c") ==
      Strings{"c", "b c", "b", "a b", "a"});
  CHECK(
      tokens_of({.ngrams = std::vector<std::int64_t>{3}}, "a b c") ==
      Strings{"a b c"});
}

TEST_CASE("TextVectorization counts over the vocabulary") {
  const Tensor x = texts({"b a b", "", "q"});
  const auto made = [&](const char* mode) {
    return kl::TextVectorization(
        {.output_mode = mode, .vocabulary = {"a", "b"}})(x);
  };
  check_equal(made("count"), {3, 3}, {0, 1, 2, 0, 0, 0, 1, 0, 0});
  check_equal(made("multi_hot"), {3, 3}, {0, 1, 1, 0, 0, 0, 1, 0, 0});
  kl::TextVectorization weighed(
      {.max_tokens = 5, .output_mode = "tf_idf", .pad_to_max_tokens = true});
  weighed.adapt(texts({"a a b", "a"}));
  const double a = std::log(1 + 2.0 / 3);
  const double b = std::log(1 + 2.0 / 2);
  check_equal(
      weighed(texts({"a a b z"})), {1, 5}, {(a + b) / 2, 2 * a, b, 0, 0});
}

TEST_CASE("TextVectorization pads to the longest, or to a length") {
  const Tensor x = texts({"a b", "", "a"});
  const kl::TextVectorization longest({.vocabulary = {"a", "b"}});
  check_equal(longest(x), {3, 2}, {2, 3, 0, 0, 2, 0});
  check_equal(longest(texts({"", ""})), {2, 0}, {});
  const kl::TextVectorization cut(
      {.output_sequence_length = 1, .vocabulary = {"a", "b"}});
  check_equal(cut(x), {3, 1}, {2, 0, 2});
  const kl::TextVectorization ragged(
      {.output_sequence_length = 9, .vocabulary = {"a", "b"}, .ragged = true});
  check_equal(ragged(x), {3, 2}, {2, 3, 0, 0, 2, 0});
}

TEST_CASE("TextVectorization says what is wrong") {
  const auto made = [](kl::TextVectorizationOptions options) {
    options.name = "t";
    return error_of([&] { kl::TextVectorization layer(options); });
  };
  CHECK(
      made({.standardize = "upper"}) ==
      "[t: TextVectorization] expected standardize to be one of "
      "\"lower_and_strip_punctuation\", \"lower\", \"strip_punctuation\" or "
      "none, got \"upper\"");
  CHECK(
      made({.split = "comma"}) ==
      "[t: TextVectorization] expected split to be one of \"whitespace\", "
      "\"character\" or none, got \"comma\"");
  CHECK(
      made({.ngrams = std::int64_t{0}}) ==
      "[t: TextVectorization] expected ngrams to be a width >= 1 or a list of "
      "them, got 0");
  CHECK(
      made({.output_mode = "count", .output_sequence_length = 3}) ==
      "[t: TextVectorization] expected output_sequence_length only with "
      "output_mode \"int\", got \"count\"");
  CHECK(
      made({.output_mode = "count", .ragged = true}) ==
      "[t: TextVectorization] expected ragged only with output_mode \"int\", "
      "got \"count\"");
  CHECK(
      made({.encoding = "ebcdic"}).find("expected the encoding utf-8") !=
      std::string::npos);
  CHECK(
      made({.vocabulary = {"a", "a"}}).find("got 1 of them more often: 'a'") !=
      std::string::npos);
  kl::TextVectorization layer({.name = "t"});
  CHECK(error_of([&] {
          layer(texts({"a"}));
        }).find("has no vocabulary yet") != std::string::npos);
  layer.adapt(texts({"a"}));
  CHECK(
      error_of([&] {
        layer(texts({"a", "b"}, {1, 2}));
      }) ==
      "[t: TextVectorization] expected texts of shape [batch] or [batch, 1] to "
      "split, got [1,2]");
  CHECK(error_of([&] {
          layer(Tensor(1.0F));
        }) == "[t: TextVectorization] expected strings, got float32");
}

TEST_CASE("TextVectorization comes back from its config") {
  const kl::TextVectorization layer(
      {.max_tokens = 20,
       .standardize = "lower",
       .split = "character",
       .ngrams = std::vector<std::int64_t>{1, 2},
       .output_sequence_length = 5,
       .vocabulary = {"a", "b a"}});
  const Layer again = reread(layer);
  CHECK(again.get_config() == layer.get_config());
  CHECK(again(texts({"baB"})) == layer(texts({"baB"})));
  const kl::TextVectorization own(
      {.split = [](const std::string&) { return Strings(); }, .name = "t"});
  CHECK(
      error_of([&] { own.get_config(); }) ==
      "[t: TextVectorization] cannot be written: its split is a function of "
      "the program's own; use one of Keras's names, or standardize the texts "
      "before the model");
  Config config = kl::TextVectorization({.name = "t"}).get_config();
  config["standardize"] = Config::object({{"class_name", "function"}});
  CHECK(error_of([&] {
          deserialize_layer(Config::object(
              {{"class_name", "TextVectorization"}, {"config", config}}));
        }).find("got a function of Python's") != std::string::npos);
}

}  // namespace keratin
