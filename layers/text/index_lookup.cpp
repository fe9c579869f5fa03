#include "layers/text/index_lookup.hpp"

#include <algorithm>
#include <fstream>
#include <iterator>
#include <numeric>
#include <set>

#include <keratin/error.hpp>

#include "layers/text/encoding.hpp"
#include "layers/text/hashes.hpp"
#include "src/core/format.hpp"

namespace keratin::layers {

namespace {

std::string quoted(const std::string& term) {
  return "'" + term + "'";
}

std::string quoted(std::int64_t term) {
  return std::to_string(term);
}

Config float_list(const std::vector<double>& values) {
  Config list = Config::array();
  for (const double value : values) list.push_back(value);
  return list;
}

std::string read_file(const std::string& path) {
  std::ifstream in(path, std::ios::binary);
  if (!in) {
    throw SystemError(
        format("[vocabulary {}] cannot be opened for reading", path));
  }
  std::string text{std::istreambuf_iterator<char>(in), {}};
  if (in.bad()) {
    throw SystemError(format("[vocabulary {}] cannot be read", path));
  }
  return text;
}

}  // namespace

template <class Term>
IndexLookup<Term>::IndexLookup() {
  if constexpr (kText) {
    oov_config_ = "[UNK]";
  } else {
    oov_config_ = -1;
  }
}

template <class Term>
void IndexLookup<Term>::fields(FieldVisitor& visit) {
  HostKerasLayer::fields(visit);
  visit("invert", invert_);
  visit("max_tokens", max_tokens_);
  visit("num_oov_indices", num_oov_indices_, {.minimum = 0});
  visit("oov_token", oov_config_);
  visit("mask_token", mask_config_);
  visit(
      "output_mode",
      output_mode_,
      {.choices = {
           "int",
           "one_hot",
           "multi_hot",
           "count",
           "tf_idf",
           "binary",
           "tf-idf"}});
  visit("sparse", sparse_);
  visit("pad_to_max_tokens", pad_to_max_tokens_);
  if constexpr (!kText) {
    visit("vocabulary_dtype", vocabulary_dtype_, {.choices = {"int64"}});
  }
  visit("idf_weights", idf_config_);
  visit("vocabulary", vocabulary_config_);
  visit("vocabulary_size", vocabulary_size_, {.minimum = 0});
  visit("oov_method", oov_method_, {.choices = {"floormod", "farmhash"}});
  visit("salt", salt_);
}

template <class Term>
void IndexLookup<Term>::from_config(
    const Config& config, const std::string& where) {
  Config known = config;
  known.erase("has_input_vocabulary");  // Keras 2's; follows from vocabulary
  const Config* vocabulary = config.find("vocabulary");
  if (vocabulary != nullptr && vocabulary->is_string()) {
    // Reading a path that a config names would open any file for its writer.
    throw InvalidArgument(format(
        "[{}.vocabulary] expected a list of terms, got the path or address "
        "'{}': files outside are not opened for a config; give the terms, or "
        "call set_vocabulary",
        where,
        vocabulary->as_string()));
  }
  HostKerasLayer::from_config(known, where);
}

template <class Term>
std::optional<Term> IndexLookup<Term>::read_term(
    const Config& term, const std::string& what) const {
  if (term.is_null()) return {};
  if constexpr (kText) {
    if (term.is_string()) return term.as_string();
    fail(format("expected {} to be a text, got {}", what, term.dump()));
  } else {
    if (term.is_int()) return term.as_int();
    fail(format("expected {} to be an integer, got {}", what, term.dump()));
  }
}

template <class Term>
typename IndexLookup<Term>::Terms IndexLookup<Term>::read_terms(
    const Config& list, const std::string& what) const {
  const Config* items = &list;
  if (const Config* inside = list.find("config")) {  // Keras's __numpy__
    if (const Config* value = inside->find("value")) items = value;
  }
  if (!items->is_array()) {
    fail(format("expected {} to be a list, got {}", what, list.kind()));
  }
  Terms terms;
  terms.reserve(items->size());
  for (const Config& item : items->as_array()) {
    std::optional<Term> term = read_term(item, "a term of " + what);
    if (!term) fail(format("expected no null among {}", what));
    terms.push_back(std::move(*term));
  }
  return terms;
}

template <class Term>
void IndexLookup<Term>::take_vocabulary(
    const Vocabulary<Term>& vocabulary, const std::vector<double>& idf) {
  if (!idf.empty()) idf_config_ = float_list(idf);
  if (vocabulary.terms()) {
    vocabulary_config_ = Config::array();
    for (const Term& term : *vocabulary.terms()) {
      vocabulary_config_.push_back(term);
    }
  }
  vocabulary_path_ = vocabulary.path();
}

template <class Term>
void IndexLookup<Term>::settle() {
  HostKerasLayer::settle();
  output_mode_ = text::output_mode_name(output_mode_);
  encoding_ = text::parse_encoding(encoding_name_, who());
  if (max_tokens_ && *max_tokens_ <= 1) {
    fail(format("expected max_tokens > 1, got {}", *max_tokens_));
  }
  if (pad_to_max_tokens_ && !max_tokens_) {
    fail("expected max_tokens when pad_to_max_tokens is true");
  }
  if (invert_ && output_mode_ != "int") {
    fail(format(
        "expected output_mode \"int\" when invert is true, got \"{}\"",
        output_mode_));
  }
  check_sparse(sparse_, output_mode_);
  if (!idf_config_.is_null() && output_mode_ != "tf_idf") {
    fail(format(
        "expected idf_weights only with output_mode \"tf_idf\", got \"{}\"",
        output_mode_));
  }
  keys_ = salt_keys(salt_);
  if (keys_ && !kText && oov_method_ != "farmhash") {
    fail("expected oov_method \"farmhash\" with a salt, got \"floormod\"");
  }
  mask_ = read_term(mask_config_, "mask_token");
  oov_ = read_term(oov_config_, "oov_token");
  if (invert_ && !oov_) fail("expected an oov_token when invert is true");
  if (!vocabulary_config_.is_null()) {
    given_ = true;
    terms_ = read_terms(vocabulary_config_, "vocabulary");
  }
  if (!vocabulary_path_.empty()) {
    given_ = true;
    terms_ = parse_lines(read_file(vocabulary_path_), vocabulary_path_);
  }
  if (!given_) return;
  std::vector<double> idf;
  if (!idf_config_.is_null()) {
    const Tensor weights = tensor_from_config(idf_config_, "idf_weights");
    if (weights.rank() != 1) {
      fail(format("expected idf_weights of rank 1, got {}", weights.shape()));
    }
    idf = weights.to_vector<double>();
  } else if (output_mode_ == "tf_idf") {
    fail("expected idf_weights beside the vocabulary for output_mode tf_idf");
  }
  const Terms terms = std::exchange(terms_, {});
  set_vocabulary(terms, idf);
}

template <class Term>
void IndexLookup<Term>::check_terms(
    const Terms& terms, const Terms& vocabulary) const {
  if (vocabulary.empty()) fail("expected a vocabulary with terms, got none");
  std::set<Term> seen;
  std::set<Term> repeated;
  for (const Term& term : terms) {
    if (!seen.insert(term).second) repeated.insert(term);
  }
  if (!repeated.empty()) {
    std::string list;
    std::size_t shown = 0;
    for (const Term& term : repeated) {
      if (++shown > 5) break;
      list += (list.empty() ? "" : ", ") + quoted(term);
    }
    fail(format(
        "expected every term of the vocabulary once, got {} of them more "
        "often: {}{}",
        repeated.size(),
        list,
        repeated.size() > 5 ? ", ..." : ""));
  }
  const auto check_special = [&](const std::optional<Term>& special,
                                 const char* what) {
    if (!special || !seen.contains(*special)) return;
    const auto at = std::find(vocabulary.begin(), vocabulary.end(), *special);
    fail(format(
        "found the {} {} at index {} of the vocabulary: leave special tokens "
        "out, or have them all in front: {}the OOV token {} times",
        what,
        quoted(*special),
        at - vocabulary.begin(),
        reserves_mask() ? "the mask token, then " : "",
        num_oov_indices_));
  };
  check_special(mask_, "mask token");
  if (invert_) check_special(oov_, "OOV token");
  const std::int64_t size =
      static_cast<std::int64_t>(terms.size()) + token_start();
  if (max_tokens_ && size > *max_tokens_) {
    fail(format(
        "expected at most max_tokens = {} tokens, got a vocabulary of {} with "
        "its special tokens",
        *max_tokens_,
        size));
  }
}

template <class Term>
void IndexLookup<Term>::set_vocabulary(
    const Terms& vocabulary, const std::vector<double>& idf) {
  if (output_mode_ == "tf_idf" && idf.empty()) {
    fail("expected idf_weights beside the vocabulary for output_mode tf_idf");
  }
  if (output_mode_ != "tf_idf" && !idf.empty()) {
    fail(format(
        "expected idf_weights only with output_mode \"tf_idf\", got \"{}\"",
        output_mode_));
  }
  const auto start = static_cast<std::size_t>(token_start());
  // The special tokens may stand in front.
  bool special = vocabulary.size() >= start;
  for (std::size_t i = 0; special && i < start; ++i) {
    const std::optional<Term>& want = i == 0 && reserves_mask() ? mask_ : oov_;
    special = want && vocabulary[i] == *want;
  }
  const auto skip = static_cast<std::ptrdiff_t>(special ? start : 0);
  Terms terms(vocabulary.begin() + skip, vocabulary.end());
  check_terms(terms, vocabulary);
  std::vector<double> weights = idf;
  if (output_mode_ == "tf_idf") {
    // With its padding, when it comes from a file.
    const auto padded = pad_to_max_tokens_
                            ? static_cast<std::size_t>(*max_tokens_)
                            : vocabulary.size();
    if (idf.size() != vocabulary.size() && !(special && idf.size() == padded)) {
      fail(format(
          "expected an idf weight per term of the vocabulary, {}, got {}",
          vocabulary.size(),
          idf.size()));
    }
    if (!special) {
      // What is not in the vocabulary weighs as a term does on average.
      const double mean = std::accumulate(idf.begin(), idf.end(), 0.0) /
                          static_cast<double>(idf.size());
      weights.insert(weights.begin(), start, mean);
    }
    if (pad_to_max_tokens_) weights.resize(padded);
  }
  set_terms(std::move(terms));
  idf_ = std::move(weights);
}

template <class Term>
void IndexLookup<Term>::set_terms(Terms terms) {
  const std::int64_t size =
      static_cast<std::int64_t>(terms.size()) + token_start();
  if (output_mode_ != "int" && !pad_to_max_tokens_ && vocabulary_size_ &&
      *vocabulary_size_ != size) {
    // Other layers were built for outputs of the old size.
    fail(format(
        "has a vocabulary of {} tokens, which cannot become one of {} in "
        "output_mode \"{}\"; set pad_to_max_tokens, or make a new layer",
        *vocabulary_size_,
        size,
        output_mode_));
  }
  terms_ = std::move(terms);
  index_.clear();
  index_.reserve(terms_.size());
  for (std::size_t i = 0; i < terms_.size(); ++i) {
    index_.emplace(terms_[i], static_cast<std::int64_t>(i) + token_start());
  }
  vocabulary_size_ = size;
  known_ = true;
  state_changed();
}

template <class Term>
typename IndexLookup<Term>::Terms IndexLookup<Term>::vocabulary(
    bool include_special_tokens) const {
  Terms all;
  if (include_special_tokens) {
    if (reserves_mask()) all.push_back(*mask_);
    for (std::int64_t i = 0; i < num_oov_indices_; ++i) {
      all.push_back(oov_.value_or(Term()));
    }
  }
  all.insert(all.end(), terms_.begin(), terms_.end());
  if constexpr (kText) {
    for (Term& term : all) term = text::decode(term, encoding_);
  }
  return all;
}

template <class Term>
std::int64_t IndexLookup<Term>::index_of(View term) const {
  if (mask_ && term == *mask_) return reserves_mask() ? 0 : text::kDropped;
  if (const auto found = index_.find(term); found != index_.end()) {
    return found->second;
  }
  if (num_oov_indices_ == 1) return oov_start();
  if (num_oov_indices_ == 0) {
    fail(format(
        "got {}, which is not in the vocabulary; allow such inputs with "
        "num_oov_indices = 1",
        quoted(Term(term))));
  }
  const auto buckets = static_cast<std::uint64_t>(num_oov_indices_);
  const auto hash = [&](std::string_view text) {
    const std::uint64_t bits =
        keys_ ? text::sip_hash(text, keys_->first, keys_->second)
              : text::farm_hash(text);
    return oov_start() + static_cast<std::int64_t>(bits % buckets);
  };
  if constexpr (kText) {
    return hash(term);
  } else {
    if (oov_method_ == "farmhash") return hash(std::to_string(term));
    const std::int64_t rest = term % num_oov_indices_;
    return oov_start() + (rest < 0 ? rest + num_oov_indices_ : rest);
  }
}

template <class Term>
void IndexLookup<Term>::check_known() const {
  if (known_) return;
  fail(
      "has no vocabulary yet; call adapt on data or set_vocabulary, or give "
      "the vocabulary as an argument");
}

template <class Term>
std::int64_t IndexLookup<Term>::depth() const {
  if (pad_to_max_tokens_) return *max_tokens_;
  if (!vocabulary_size_) check_known();
  return *vocabulary_size_;
}

template <class Term>
Shape IndexLookup<Term>::encoded(const Shape& indices) const {
  if (output_mode_ == "int") return indices;
  return text::encoded_shape(
      indices, output_mode_ == "one_hot" ? "one_hot" : "count", depth());
}

template <class Term>
Tensor IndexLookup<Term>::encode_indices(const Tensor& indices) const {
  if (output_mode_ == "int") return indices;
  const std::string mode = output_mode_ == "tf_idf" ? "count" : output_mode_;
  const Tensor out = text::encode(indices, mode, depth(), floatx());
  if (output_mode_ != "tf_idf") return out;
  const auto width = static_cast<std::size_t>(depth());
  if (idf_.size() != width) fail("has no idf weights yet; call adapt on data");
  std::vector<double> values = out.to_vector<double>();
  for (std::size_t i = 0; i < values.size(); ++i) values[i] *= idf_[i % width];
  return Tensor(values, out.shape()).cast(floatx());
}

template <class Term>
LayerImpl::Spec IndexLookup<Term>::output_spec(const Spec& input) const {
  if (kText && !invert_ && input.dtype != DType::string) {
    fail(format(
        "expected strings, got {}; IntegerLookup takes integers",
        name_of(input.dtype)));
  }
  if ((!kText || invert_) && input.dtype == DType::string) {
    fail(format(
        "expected integers, got strings{}",
        invert_ ? "" : "; StringLookup takes strings"));
  }
  if (output_mode_ == "int") {
    return {input.shape, invert_ && kText ? DType::string : DType::i64};
  }
  return {encoded(input.shape), floatx()};
}

template <class Term>
Tensor IndexLookup<Term>::invert(const Tensor& indices) const {
  Tensor out(kText ? DType::string : DType::i64, indices.shape());
  const auto from = indices.data<std::int64_t>();
  const auto to = out.template mutable_data<Term>();
  const auto size = static_cast<std::int64_t>(terms_.size());
  for (std::size_t i = 0; i < from.size(); ++i) {
    const std::int64_t at = from[i] - token_start();
    if (reserves_mask() && from[i] == 0) {
      to[i] = *mask_;
    } else {
      to[i] =
          at >= 0 && at < size ? terms_[static_cast<std::size_t>(at)] : *oov_;
    }
  }
  return out;
}

template <class Term>
std::vector<Tensor> IndexLookup<Term>::call_host(const HostInputs& inputs) {
  Tensor x = one_input(inputs);
  output_spec({x.shape(), x.dtype()});  // checks
  check_known();
  if (!kText || invert_) x = x.cast(DType::i64);
  if (invert_) return {invert(x)};
  Tensor indices(DType::i64, x.shape());
  const auto from = x.template data<Term>();
  const auto to = indices.mutable_data<std::int64_t>();
  for (std::size_t i = 0; i < from.size(); ++i) to[i] = index_of(from[i]);
  return {encode_indices(indices)};
}

// Those of its members that are defined above; index_lookup_state.cpp has the
// others.
template class IndexLookup<std::string>;
template class IndexLookup<std::int64_t>;

}  // namespace keratin::layers
