// TensorFlow's string functions and Keras's quantiles, against what they yield
// (tests/data/make_text_cases.py).

#include "layers/text/hashes.hpp"
#include "layers/text/quantiles.hpp"
#include "layers/text/strings.hpp"
#include "tests/layers/text/text_support.hpp"

namespace keratin {

using namespace testing;

namespace {

constexpr std::uint64_t kBuckets = (std::uint64_t{1} << 61) - 1;

void check_pieces(
    const char* key,
    void (*split)(std::string_view, std::vector<std::string_view>&)) {
  const Config cases = fixture_json("strings.json");
  for (const Config& row : cases.at(key).as_array()) {
    const std::string text = bytes_of(row.as_array()[0].as_string());
    std::vector<std::string_view> pieces;
    split(text, pieces);
    std::vector<std::string> want;
    for (const Config& piece : row.as_array()[1].as_array()) {
      want.push_back(bytes_of(piece.as_string()));
    }
    CAPTURE(row.as_array()[0].as_string());
    CHECK(std::vector<std::string>(pieces.begin(), pieces.end()) == want);
  }
}

}  // namespace

TEST_CASE("FarmHash and SipHash are TensorFlow's, whatever the length") {
  const Config cases = fixture_json("strings.json");
  for (const Config& row : cases.at("fast").as_array()) {
    const std::string text = bytes_of(row.as_array()[0].as_string());
    CAPTURE(text.size());
    CHECK(
        std::to_string(text::farm_hash(text) % kBuckets) ==
        row.as_array()[1].as_string());
  }
  for (const Config& row : cases.at("strong").as_array()) {
    const std::string text = bytes_of(row.as_array()[0].as_string());
    CAPTURE(text.size());
    CHECK(
        std::to_string(text::sip_hash(text, 133, 137) % kBuckets) ==
        row.as_array()[1].as_string());
  }
}

TEST_CASE("characters are Unicode's, malformed ones replaced") {
  check_pieces("characters", &text::split_characters);
}

TEST_CASE("words end at ASCII white space only") {
  check_pieces("words", &text::split_whitespace);
}

TEST_CASE("punctuation is ASCII's, and lower case is A to Z") {
  const Config cases = fixture_json("strings.json");
  std::string all;
  for (int c = 1; c < 128; ++c) all += static_cast<char>(c);
  std::string kept = all;
  text::strip_punctuation(kept);
  std::string stripped;
  for (const char c : all) {
    if (kept.find(c) == std::string::npos) stripped += c;
  }
  CHECK(stripped == bytes_of(cases.at("punctuation").as_string()));
  const auto& pair = cases.at("lower").as_array();
  std::string lowered = bytes_of(pair[0].as_string());
  text::lower(lowered);
  CHECK(lowered == bytes_of(pair[1].as_string()));
}

TEST_CASE("n-grams come width by width") {
  const Config cases = fixture_json("strings.json").at("ngrams");
  const std::vector<std::vector<std::string_view>> rows = {
      {"a", "b", "c"}, {"x"}, {}};
  for (std::size_t i = 0; i < rows.size(); ++i) {
    std::vector<std::string> want;
    for (const Config& gram : cases.as_array()[i].as_array()) {
      want.push_back(gram.as_string());
    }
    CHECK(text::ngrams(rows[i], {1, 3}) == want);
  }
}

TEST_CASE("latin-1 becomes UTF-8 and back") {
  CHECK(text::decode("\xe9t\xe9", text::Encoding::latin1) == "été");
  CHECK(text::encode("été", text::Encoding::latin1, "[w]") == "\xe9t\xe9");
  CHECK(error_of([] {
          text::encode("中", text::Encoding::latin1, "[w]");
        }) == "[w] '中' is not in the encoding latin-1");
  CHECK(text::parse_encoding("UTF_8", "[w]") == text::Encoding::utf8);
  CHECK(
      error_of([] { text::parse_encoding("koi8-r", "[w]"); }) ==
      "[w] expected the encoding utf-8, ascii or latin-1, got 'koi8-r'; recode "
      "the texts");
}

TEST_CASE("quantiles are estimated as Keras does, in one part or several") {
  const Config cases = fixture_json("quantiles.json");
  for (const Config& item : cases.as_array()) {
    std::vector<float> values;
    for (const Config& value : item.at("values").as_array()) {
      values.push_back(static_cast<float>(value.as_number()));
    }
    const auto check = [](const layers::Discretization& layer,
                          const Config& want) {
      REQUIRE(layer.bin_boundaries().size() == want.size());
      for (std::size_t i = 0; i < want.size(); ++i) {
        CHECK(
            layer.bin_boundaries()[i] ==
            doctest::Approx(want.as_array()[i].as_number()).epsilon(1e-6));
      }
    };
    layers::Discretization layer(
        {.num_bins = item.at("bins").as_int(),
         .epsilon = item.at("epsilon").as_number()});
    layer.adapt(Tensor(values));
    check(layer, item.at("one"));
    layer.reset_state();
    // As numpy.array_split: the first parts are one longer.
    const std::size_t size = values.size() / 3;
    const std::size_t longer = values.size() % 3;
    std::size_t begin = 0;
    for (std::size_t part = 0; part < 3; ++part) {
      const std::size_t end = begin + size + (part < longer ? 1 : 0);
      layer.update_state(Tensor(std::vector<float>(
          values.begin() + static_cast<std::ptrdiff_t>(begin),
          values.begin() + static_cast<std::ptrdiff_t>(end))));
      begin = end;
    }
    layer.finalize_state();
    check(layer, item.at("parts"));
  }
}

}  // namespace keratin
