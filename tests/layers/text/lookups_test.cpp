#include "tests/layers/text/text_support.hpp"

namespace keratin {

using namespace testing;
namespace kl = layers;
using Strings = std::vector<std::string>;

TEST_CASE("StringLookup finds words by frequency, then from Z to A") {
  kl::StringLookup layer;
  layer.adapt(texts({"cat", "dog", "cat", "ant", "[UNK]", "ant", "bee"}));
  CHECK(layer.get_vocabulary() == Strings{"[UNK]", "cat", "ant", "dog", "bee"});
  CHECK(layer.get_vocabulary(false) == Strings{"cat", "ant", "dog", "bee"});
  CHECK(layer.vocabulary_size() == 5);
  const Tensor y = layer(texts({"dog", "cow", "", "cat"}, {2, 2}));
  CHECK(y.dtype() == DType::i64);
  check_equal(y, {2, 2}, {3, 0, 0, 1});
}

TEST_CASE("StringLookup adapts in parts, and anew") {
  kl::StringLookup layer({.max_tokens = 3});
  layer.reset_state();
  layer.update_state(texts({"a", "b"}));
  layer.update_state(texts({"b", "c", "c", "c"}));
  layer.finalize_state();
  CHECK(layer.get_vocabulary() == Strings{"[UNK]", "c", "b"});
  layer.adapt(texts({"z"}));
  CHECK(layer.get_vocabulary() == Strings{"[UNK]", "z"});
}

TEST_CASE("layers adapt to the batches of a dataset") {
  const auto batches = [](const Tensor& x) {
    return data::Dataset::from_tensor_slices(x).batch(2);
  };
  const kl::StringLookup words;
  adapt(words, batches(texts({"a", "b", "b"})));
  CHECK(words.get_vocabulary(false) == Strings{"b", "a"});
  adapt(words, batches(texts({"a", "b", "c"})), 1);
  CHECK(words.get_vocabulary(false) == Strings{"b", "a"});
  const kl::TextVectorization tokens;
  adapt(tokens, batches(texts({"a b", "", "b"})));
  CHECK(tokens.get_vocabulary(false) == Strings{"b", "a"});
  const kl::Normalization scaled;
  adapt(
      scaled, batches(Tensor(std::vector<float>{0, 10, 2, 30, 7, 5}, {3, 2})));
  check_equal(scaled.get_weights()[0], {2}, {3, 15});
  check_equal(scaled.get_weights()[1], {2}, {26.0 / 3, 350.0 / 3});
}

TEST_CASE("StringLookup encodes as every mode says") {
  const Tensor x = texts({"b", "a", "q", "b"}, {2, 2});
  const auto made = [&](const char* mode) {
    return kl::StringLookup({.vocabulary = {"a", "b"}, .output_mode = mode})(x);
  };
  check_equal(made("multi_hot"), {2, 3}, {0, 1, 1, 1, 0, 1});
  check_equal(made("binary"), {2, 3}, {0, 1, 1, 1, 0, 1});
  check_equal(made("count"), {2, 3}, {0, 1, 1, 1, 0, 1});
  check_equal(made("one_hot"), {2, 2, 3}, {0, 0, 1, 0, 1, 0, 1, 0, 0, 0, 0, 1});
  CHECK(made("count").dtype() == DType::f32);
  // One column is one sample, and 0 is no index of a mask token.
  const kl::StringLookup column(
      {.mask_token = "", .vocabulary = {"a", "b"}, .output_mode = "one_hot"});
  check_equal(column(texts({"b", ""}, {2, 1})), {2, 3}, {0, 0, 1, 0, 0, 0});
  const kl::StringLookup padded(
      {.max_tokens = 5,
       .vocabulary = {"a", "b"},
       .output_mode = "count",
       .pad_to_max_tokens = true});
  check_equal(padded(texts({"b", "b"}, {1, 2})), {1, 5}, {0, 0, 2, 0, 0});
}

TEST_CASE("StringLookup weighs words by documents") {
  kl::StringLookup layer({.output_mode = "tf_idf"});
  layer.adapt(texts({"a", "a", "a", "b"}, {2, 2}));
  // Two documents; a is in both, b in one.
  const double a = std::log(1 + 2.0 / 3);
  const double b = std::log(1 + 2.0 / 2);
  check_equal(
      layer(texts({"a", "a", "x"}, {1, 3})), {1, 3}, {(a + b) / 2, 2 * a, 0});
  const kl::StringLookup given(
      {.vocabulary = {"a", "b"},
       .idf_weights = {1, 3},
       .output_mode = "tf_idf"});
  check_equal(given(texts({"x", "b"}, {1, 2})), {1, 3}, {2, 0, 3});
  const kl::StringLookup special(
      {.vocabulary = {"[UNK]", "a", "b"},
       .idf_weights = {9, 1, 3},
       .output_mode = "tf_idf"});
  check_equal(special(texts({"x", "b"}, {1, 2})), {1, 3}, {9, 0, 3});
}

TEST_CASE("StringLookup goes back, with masks and unknown indices") {
  const kl::StringLookup back(
      {.mask_token = "-", .vocabulary = {"a", "b"}, .invert = true});
  const Tensor y = back(ints({0, 1, 2, 3, 9, -1}, {6}));
  CHECK(y == texts({"-", "[UNK]", "a", "b", "[UNK]", "[UNK]"}));
}

TEST_CASE("IntegerLookup counts, divides and hashes what it does not know") {
  kl::IntegerLookup layer({.mask_token = 0});
  layer.adapt(ints({0, 7, 5, 7, -3}, {5}));
  CHECK(layer.get_vocabulary() == std::vector<std::int64_t>{0, -1, 7, 5, -3});
  check_equal(layer(ints({0, 7, 8}, {3})), {3}, {0, 2, 1});
  const kl::IntegerLookup three({.num_oov_indices = 3, .vocabulary = {10, 20}});
  check_equal(three(ints({10, -1, 4, 20}, {4})), {4}, {3, 2, 1, 4});
  // Keras's documentation.
  const kl::IntegerLookup hashed(
      {.num_oov_indices = 4,
       .vocabulary = {10, 20, 30},
       .oov_method = "farmhash"});
  check_equal(
      hashed(ints({100, 300, 700, 1100, 1700, 2000}, {6})),
      {6},
      {3, 3, 2, 2, 0, 1});
  const kl::IntegerLookup back({.vocabulary = {10, 20}, .invert = true});
  check_equal(back(ints({1, 2, 0, 5}, {4})), {4}, {10, 20, -1, -1});
}

TEST_CASE("lookups say what is wrong with a vocabulary") {
  const auto made = [](Strings words) {
    return error_of([&] {
      kl::StringLookup({.max_tokens = 3, .vocabulary = words, .name = "words"});
    });
  };
  CHECK(
      made({"a", "b", "a"}) ==
      "[words: StringLookup] expected every term of the vocabulary once, got 1 "
      "of them more often: 'a'");
  CHECK(
      made({"a", "b", "c"}) ==
      "[words: StringLookup] expected at most max_tokens = 3 tokens, got a "
      "vocabulary of 4 with its special tokens");
  CHECK(
      made({}) ==
      "[words: StringLookup] expected a vocabulary with terms, got none");
  CHECK(
      error_of([] {
        kl::StringLookup(
            {.mask_token = "m", .vocabulary = {"a", "m"}, .name = "words"});
      }) ==
      "[words: StringLookup] found the mask token 'm' at index 1 of the "
      "vocabulary: leave special tokens out, or have them all in front: the "
      "mask token, then the OOV token 1 times");
  kl::StringLookup layer({.name = "words"});
  CHECK(
      error_of([&] { layer(texts({"a"})); }) ==
      "[words: StringLookup] has no vocabulary yet; call adapt on data or "
      "set_vocabulary, or give the vocabulary as an argument");
  CHECK(error_of([&] {
          layer.adapt(ints({1}, {1}));
        }) == "[words: StringLookup] expected strings to adapt to, got int64");
  CHECK(error_of([&] {
          layer.adapt(Tensor(DType::string, {0}));
        }) == "[words: StringLookup] expected data to adapt to, got none");
  CHECK(
      error_of([&] { layer(ints({1}, {1})); }) ==
      "[words: StringLookup] expected strings, got int64; IntegerLookup takes "
      "integers");
  kl::StringLookup given({.vocabulary = {"a"}, .name = "words"});
  CHECK(
      error_of([&] { given.adapt(texts({"b"})); }) ==
      "[words: StringLookup] cannot adapt to data: its vocabulary was given as "
      "an argument; call set_vocabulary, or make a layer without");
  const kl::StringLookup strict(
      {.num_oov_indices = 0, .vocabulary = {"a"}, .name = "words"});
  CHECK(
      error_of([&] {
        strict(texts({"a", "zebra"}));
      }) ==
      "[words: StringLookup] got 'zebra', which is not in the vocabulary; "
      "allow such inputs with num_oov_indices = 1");
  kl::StringLookup counting({.output_mode = "count", .name = "words"});
  counting.adapt(texts({"a", "b"}));
  CHECK(
      error_of([&] { counting.set_vocabulary({"a"}); }) ==
      "[words: StringLookup] has a vocabulary of 3 tokens, which cannot become "
      "one of 2 in output_mode \"count\"; set pad_to_max_tokens, or make a new "
      "layer");
  CHECK(counting.vocabulary_size() == 3);
}

TEST_CASE("lookups say what is wrong with arguments") {
  const auto made = [](kl::StringLookupOptions options) {
    options.name = "w";
    return error_of([&] { kl::StringLookup layer(options); });
  };
  CHECK(
      made({.max_tokens = 1}) ==
      "[w: StringLookup] expected max_tokens > 1, got 1");
  CHECK(
      made({.pad_to_max_tokens = true}) ==
      "[w: StringLookup] expected max_tokens when pad_to_max_tokens is true");
  CHECK(
      made({.invert = true, .output_mode = "count"}) ==
      "[w: StringLookup] expected output_mode \"int\" when invert is true, got "
      "\"count\"");
  CHECK(
      made({.sparse = true}) ==
      "[w: StringLookup] expected an output_mode other than \"int\" when "
      "sparse is true");
  CHECK(
      made({.vocabulary = {"a"}, .idf_weights = {1}}) ==
      "[w: StringLookup] expected idf_weights only with output_mode "
      "\"tf_idf\", got \"int\"");
  CHECK(
      made({.vocabulary = {"a"}, .output_mode = "tf_idf"}) ==
      "[w: StringLookup] expected idf_weights beside the vocabulary for "
      "output_mode tf_idf");
  CHECK(
      made(
          {.vocabulary = {"a"},
           .idf_weights = {1, 2, 3},
           .output_mode = "tf_idf"}) ==
      "[w: StringLookup] expected an idf weight per term of the vocabulary, 1, "
      "got 3");
  CHECK(
      made({.num_oov_indices = -1}) ==
      "[w: StringLookup] expected num_oov_indices >= 0, got -1");
  CHECK(
      made({.salt = {1, 2, 3}}) ==
      "[w: StringLookup] expected salt to be one integer or two, got [1, 2, "
      "3]");
  CHECK(
      made({.output_mode = "hot"}).find("\"multi_hot\"") != std::string::npos);
  CHECK(
      error_of([] { kl::IntegerLookup({.salt = {1}, .name = "w"}); }) ==
      "[w: IntegerLookup] expected oov_method \"farmhash\" with a salt, got "
      "\"floormod\"");
}

TEST_CASE("lookups come back from their configs") {
  const kl::StringLookup words(
      {.max_tokens = 9,
       .num_oov_indices = 2,
       .mask_token = "",
       .vocabulary = {"a", "ä"},
       .salt = {3}});
  const Layer again = reread(words);
  CHECK(again.get_config() == words.get_config());
  const Tensor x = texts({"ä", "", "q", "r", "s"});
  CHECK(again(x) == words(x));
  const kl::IntegerLookup numbers({.vocabulary = {4, -2}});
  CHECK(reread(numbers)(ints({-2, 3}, {2})) == numbers(ints({-2, 3}, {2})));
  // Keras 2 says it twice.
  Config old = words.get_config();
  old["has_input_vocabulary"] = true;
  CHECK_NOTHROW(deserialize_layer(
      Config::object({{"class_name", "StringLookup"}, {"config", old}})));
}

TEST_CASE("a config may not name a file as vocabulary") {
  Config config = kl::StringLookup({.name = "w"}).get_config();
  config["vocabulary"] = "/etc/passwd";
  const std::string problem = error_of([&] {
    deserialize_layer(
        Config::object({{"class_name", "StringLookup"}, {"config", config}}));
  });
  CHECK(
      problem ==
      "[layer.vocabulary] expected a list of terms, got the path or address "
      "'/etc/passwd': files outside are not opened for a config; give the "
      "terms, or call set_vocabulary");
}

TEST_CASE("a vocabulary is read from a file of lines") {
  const TempDir folder;
  const std::string path = (folder / "words.txt").string();
  write_file(path, "cat\r\ndog\r\nold man\r\n");
  const kl::StringLookup layer({.vocabulary = path.c_str()});
  CHECK(layer.get_vocabulary(false) == Strings{"cat", "dog", "old man"});
  write_file(path, "5\nx7\n");
  CHECK(
      error_of([&] {
        kl::IntegerLookup({.vocabulary = path.c_str(), .name = "n"});
      }) == "[n: IntegerLookup] expected an integer in line 2 of " + path +
                ", got 'x7'");
  CHECK_THROWS_AS(
      kl::StringLookup({.vocabulary = "/no/such/file"}), SystemError);
}

TEST_CASE("Hashing keeps Keras's bins, mask and salt") {
  const Tensor x = texts({"A", "B", "C", "D", "E"}, {5, 1});
  check_equal(kl::Hashing(3)(x), {5, 1}, {1, 0, 1, 1, 2});
  check_equal(
      kl::Hashing(
          3, {.mask_value = ""})(texts({"A", "B", "", "C", "D"}, {5, 1})),
      {5, 1},
      {1, 1, 0, 2, 2});
  check_equal(kl::Hashing(3, {.salt = {133, 137}})(x), {5, 1}, {1, 2, 1, 0, 2});
  check_equal(kl::Hashing(3, {.salt = {133}})(x), {5, 1}, {0, 0, 2, 1, 0});
  const Tensor numbers = ints({1, 2, 3, 40, 50, -6}, {2, 3});
  CHECK(
      kl::Hashing(5)(numbers) ==
      kl::Hashing(5)(texts({"1", "2", "3", "40", "50", "-6"}, {2, 3})));
  const Tensor hot = kl::Hashing(4, {.output_mode = "one_hot"})(x);
  CHECK(hot.dtype() == DType::f32);
  CHECK(hot.shape() == Shape{5, 4});
  CHECK(
      error_of([] {
        kl::Hashing(3, {.mask_value = "", .name = "h"})(ints({1}, {1}));
      }) ==
      "[h: Hashing] expected inputs of mask_value's kind, strings, got int64");
  CHECK(
      error_of([] { kl::Hashing(3, {.name = "h", .dtype = "float32"}); }) ==
      "[h: Hashing] expected the dtype int32 or int64 with output_mode "
      "\"int\", got float32");
  const kl::Hashing odd(3, {.mask_value = 7, .salt = {1, 2}});
  CHECK(reread(odd).get_config() == odd.get_config());
}

TEST_CASE("HashedCrossing keeps Keras's bins") {
  // Keras's documentation.
  const std::vector<Tensor> features = {
      texts({"A", "B", "A", "B", "A"}), ints({101, 101, 101, 102, 102}, {5})};
  const auto cross = [&](const Layer& layer) {
    return dynamic_cast<HostLayer&>(layer.impl())
        .call_host(HostInputs(features))[0];
  };
  const kl::HashedCrossing layer(5);
  check_equal(cross(layer), {5}, {1, 4, 1, 1, 3});
  CHECK(
      cross(kl::HashedCrossing(5, {.output_mode = "one_hot"})).shape() ==
      Shape{5, 5});
  CHECK(reread(layer).get_config() == layer.get_config());
  const kl::HashedCrossing named(5, {.name = "c"});
  CHECK(error_of([&] {
          named(texts({"a"}));
        }) == "[c: HashedCrossing] expected at least two inputs, got 1");
  CHECK(error_of([&] {
          dynamic_cast<HostLayer&>(named.impl())
              .call_host(HostInputs(
                  std::vector<Tensor>{texts({"a"}), Tensor(DType::f32, {1})}));
        }) == "[c: HashedCrossing] expected strings or integers, got float32");
}

}  // namespace keratin
