// Vocabularies in .keras files: Keras's (tests/data/make_text_cases.py) and our
// own.

#include "src/io/zip.hpp"
#include "tests/layers/text/text_support.hpp"

namespace keratin {

using namespace testing;
namespace kl = layers;

namespace {

void flatten(
    const Config& item,
    std::size_t depth,
    std::vector<std::int64_t>& dims,
    std::vector<Config>& leaves) {
  if (!item.is_array()) {
    leaves.push_back(item);
    return;
  }
  if (dims.size() == depth) {
    dims.push_back(static_cast<std::int64_t>(item.size()));
  }
  for (const Config& inner : item.as_array()) {
    flatten(inner, depth + 1, dims, leaves);
  }
}

Tensor array_of(const Config& lists) {
  std::vector<std::int64_t> dims;
  std::vector<Config> leaves;
  flatten(lists, 0, dims, leaves);
  if (leaves.at(0).is_string()) {
    std::vector<std::string> values;
    for (const Config& leaf : leaves) values.push_back(leaf.as_string());
    return Tensor(values, Shape(dims));
  }
  std::vector<double> values;
  bool whole = true;
  for (const Config& leaf : leaves) {
    values.push_back(leaf.as_number());
    whole = whole && leaf.is_int();
  }
  return Tensor(values, Shape(dims)).cast(whole ? DType::i64 : DType::f32);
}

void check_case(const Model& model, const Config& expected) {
  std::vector<Tensor> inputs;
  for (const Config& input : expected.at("inputs").as_array()) {
    inputs.push_back(array_of(input));
  }
  Model copy = model;
  const std::vector<Tensor> outputs = copy.predict_all(inputs);
  REQUIRE(outputs.size() == expected.at("outputs").size());
  for (std::size_t i = 0; i < outputs.size(); ++i) {
    check_close(
        outputs[i].cast(DType::f64),
        array_of(expected.at("outputs").as_array()[i]).cast(DType::f64),
        5e-6);
  }
}

/// The members of an archive under assets/.
std::vector<std::string> assets_of(const std::filesystem::path& path) {
  std::vector<std::string> names;
  const io::ZipReader archive = io::ZipReader::open(path.string());
  for (const auto& member : archive.members()) {
    if (member.name.starts_with("assets/")) names.push_back(member.name);
  }
  std::sort(names.begin(), names.end());
  return names;
}

}  // namespace

TEST_CASE("Keras's files with vocabularies predict as in Keras, and ours too") {
  const TempDir folder;
  for (const char* const name : {"words", "tf_idf", "categories", "nested"}) {
    CAPTURE(name);
    const auto path = fixture(std::string("text/") + name + ".keras");
    const Config expected = fixture_json(std::string(name) + ".json");
    const Model model = load_model(path.string());
    check_case(model, expected);
    const auto own = folder / (std::string(name) + ".keras");
    model.save(own.string());
    check_case(load_model(own.string()), expected);
    CHECK(assets_of(own) == assets_of(path));
  }
}

TEST_CASE("a vocabulary that was given stays in the config") {
  const TempDir folder;
  const std::string path = (folder / "m.keras").string();
  Sequential model(
      {kl::Input({}, {.dtype = DType::string}),
       kl::TextVectorization({.vocabulary = {"a"}})});
  model.save(path);
  CHECK(assets_of(path).empty());
  CHECK(load_model(path).predict(texts({"a"})).at(0) == 2);
}

TEST_CASE("an adapted vocabulary survives odd words, and says what cannot be") {
  const TempDir folder;
  const std::string path = (folder / "m.keras").string();
  kl::StringLookup lookup({.name = "w"});
  // Line separators of Unicode are no line breaks of the file.
  lookup.adapt(texts({"a b", "é\u2028x", "tab\t", "\r", "-"}));
  Sequential model({kl::Input({}, {.dtype = DType::string}), lookup});
  model.save(path);
  const Tensor x = texts({"a b", "é\u2028x", "tab\t", "\r", "-", "q"});
  CHECK(load_model(path).predict(x) == model.predict(x));
  lookup.adapt(texts({"two\nlines"}));
  CHECK(
      error_of([&] { model.save(path); }) ==
      "[w: StringLookup] cannot be saved: the term 'two\nlines' has a line "
      "break, which a vocabulary file cannot hold; give the vocabulary as an "
      "argument");
}

TEST_CASE("vocabulary files that do not fit are refused") {
  const TempDir folder;
  const std::string path = (folder / "m.keras").string();
  kl::IntegerLookup lookup(
      {.max_tokens = 4, .output_mode = "count", .name = "n"});
  lookup.adapt(ints({5, 6}, {2}));
  Sequential model({kl::Input({1}, {.dtype = DType::i64}), lookup});
  model.save(path);
  const auto with = [&](const std::string& vocabulary) {
    const io::ZipReader from = io::ZipReader::open(path);
    io::ZipWriter to;
    for (const auto& member : from.members()) {
      const auto content = from.read(member.name);
      to.add(
          member.name,
          member.name.starts_with("assets/") ? std::string_view(vocabulary)
                                             : io::as_text(content.bytes));
    }
    const std::string changed = (folder / "changed.keras").string();
    to.save(changed);
    return error_of([&] { load_model(changed); });
  };
  CHECK(with("-1\n6\n5") == "(nothing thrown)");
  CHECK(
      with("-1\n6\n6").find("got 1 of them more often: 6") !=
      std::string::npos);
  CHECK(
      with("-1\n6\nx").find("expected an integer in line 3") !=
      std::string::npos);
  CHECK(
      with("-1\n6\n5\n4").find("which cannot become one of 4") !=
      std::string::npos);
  CHECK(
      with("-1\n1\n2\n3\n4\n5").find("expected at most max_tokens = 4") !=
      std::string::npos);
  CHECK(with("").find("expected a vocabulary with terms") != std::string::npos);
  CHECK(
      with("99999999999999999999\n1").find("expected an integer in line 1") !=
      std::string::npos);
}

}  // namespace keratin
