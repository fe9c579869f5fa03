// What lookups learn from data, and what files hold of it.

#include <algorithm>
#include <charconv>
#include <cmath>
#include <numeric>

#include "layers/text/index_lookup.hpp"
#include "src/core/format.hpp"

namespace keratin::layers {

namespace {

constexpr const char* kVocabularyFile = "vocabulary.txt";
constexpr const char* kIdfWeights = "idf_weights";

}  // namespace

// -- adapting
// ------------------------------------------------------------------

template <class Term>
void IndexLookup<Term>::check_adaptable() const {
  if (given_) {
    fail(
        "cannot adapt to data: its vocabulary was given as an argument; call "
        "set_vocabulary, or make a layer without");
  }
}

template <class Term>
void IndexLookup<Term>::adapt(const Tensor& data) {
  check_adaptable();
  reset_state();
  // Each element of a vector is a document of its own.
  update_state(data.rank() == 1 ? data.reshape({data.shape()[0], 1}) : data);
  finalize_state();
}

template <class Term>
void IndexLookup<Term>::reset_state() {
  counts_.clear();
  documents_ = 0;
}

template <class Term>
void IndexLookup<Term>::update_state(const Tensor& data) {
  check_adaptable();
  if ((data.dtype() == DType::string) != kText) {
    fail(format(
        "expected {} to adapt to, got {}",
        kText ? "strings" : "integers",
        name_of(data.dtype())));
  }
  const Tensor x = kText ? data : data.cast(DType::i64);
  const auto values = x.template data<Term>();
  const std::int64_t rows = x.rank() < 2 ? 1 : x.shape()[0];
  if (rows == 0) return;
  const std::size_t width = values.size() / static_cast<std::size_t>(rows);
  std::vector<View> document(width);
  for (std::size_t row = 0; row < static_cast<std::size_t>(rows); ++row) {
    for (std::size_t i = 0; i < width; ++i) {
      document[i] = values[row * width + i];
    }
    count_document(document);
  }
}

template <class Term>
void IndexLookup<Term>::count_document(std::span<const View> terms) {
  for (const View& term : terms) {
    auto found = counts_.find(term);
    if (found == counts_.end()) {
      found = counts_.emplace(Term(term), Count()).first;
    }
    Count& count = found->second;
    ++count.terms;
    if (count.last_document == documents_) continue;
    count.last_document = documents_;
    ++count.documents;
  }
  ++documents_;
}

template <class Term>
void IndexLookup<Term>::finalize_state() {
  check_adaptable();
  if (counts_.empty()) fail("expected data to adapt to, got none");
  std::vector<std::pair<Term, Count>> found;
  for (const auto& [term, count] : counts_) {
    if ((mask_ && term == *mask_) || (oov_ && term == *oov_)) continue;
    found.emplace_back(term, count);
  }
  // The most frequent first; among equals the larger term first, as in Keras.
  std::sort(found.begin(), found.end(), [](const auto& a, const auto& b) {
    if (a.second.terms != b.second.terms) {
      return a.second.terms > b.second.terms;
    }
    return a.first > b.first;
  });
  if (max_tokens_) {
    const std::int64_t most =
        std::max<std::int64_t>(*max_tokens_ - token_start(), 0);
    if (static_cast<std::int64_t>(found.size()) > most) {
      found.erase(found.begin() + most, found.end());
    }
  }
  Terms terms;
  std::vector<double> idf;
  for (const auto& [term, count] : found) {
    terms.push_back(term);
    idf.push_back(std::log(
        1 + static_cast<double>(documents_) /
                (1 + static_cast<double>(count.documents))));
  }
  set_terms(std::move(terms));
  idf_.clear();
  if (output_mode_ == "tf_idf") {
    const double mean = idf.empty()
                            ? 0.0
                            : std::accumulate(idf.begin(), idf.end(), 0.0) /
                                  static_cast<double>(idf.size());
    idf_.assign(static_cast<std::size_t>(token_start()), mean);
    idf_.insert(idf_.end(), idf.begin(), idf.end());
    if (pad_to_max_tokens_) idf_.resize(static_cast<std::size_t>(*max_tokens_));
  }
  reset_state();
}

// -- files
// ---------------------------------------------------------------------

template <class Term>
std::string IndexLookup<Term>::text_of(const Term& term) const {
  if constexpr (kText) {
    return term;
  } else {
    return std::to_string(term);
  }
}

template <class Term>
std::map<std::string, std::string> IndexLookup<Term>::save_assets() const {
  if (!vocabulary_config_.is_null()) return {};  // the config has it
  std::string text;
  bool first = true;
  for (const Term& term : vocabulary(true)) {
    const std::string line = text_of(term);
    if (line.find('\n') != std::string::npos) {
      fail(format(
          "cannot be saved: the term '{}' has a line break, which a vocabulary "
          "file cannot hold; give the vocabulary as an argument",
          line));
    }
    if (!first) text += '\n';
    text += line;
    first = false;
  }
  return {{kVocabularyFile, std::move(text)}};
}

template <class Term>
typename IndexLookup<Term>::Terms IndexLookup<Term>::parse_lines(
    std::string_view text, const std::string& source) const {
  std::vector<std::string_view> lines;
  while (!text.empty()) {
    const std::size_t end = text.find('\n');
    lines.push_back(text.substr(0, end));
    if (end == std::string_view::npos) break;
    text.remove_prefix(end + 1);
  }
  // Files written on Windows end lines with "\r\n".
  bool windows = lines.size() > 1;
  for (std::size_t i = 0; windows && i + 1 < lines.size(); ++i) {
    windows = lines[i].ends_with('\r');
  }
  Terms terms;
  terms.reserve(lines.size());
  for (std::string_view line : lines) {
    if (windows && line.ends_with('\r')) line.remove_suffix(1);
    if constexpr (kText) {
      terms.push_back(text::encode(line, encoding_, who()));
    } else {
      std::int64_t value = 0;
      const auto [end, error] =
          std::from_chars(line.data(), line.data() + line.size(), value);
      if (line.empty() && &line == &lines.back()) break;
      if (error != std::errc() || end != line.data() + line.size()) {
        fail(format(
            "expected an integer in line {} of {}, got '{}'",
            terms.size() + 1,
            source,
            line.substr(0, 40)));
      }
      terms.push_back(value);
    }
  }
  if constexpr (kText) {
    while (!terms.empty() && terms.back().empty()) terms.pop_back();
  }
  return terms;
}

template <class Term>
void IndexLookup<Term>::load_assets(
    const std::map<std::string, std::string>& assets) {
  if (!vocabulary_config_.is_null()) return;
  const auto found = assets.find(kVocabularyFile);
  if (found == assets.end()) return;
  set_vocabulary(parse_lines(found->second, kVocabularyFile), idf_);
}

template <class Term>
std::vector<std::pair<std::string, Tensor>> IndexLookup<Term>::named_arrays()
    const {
  if (output_mode_ != "tf_idf") return {};
  return {{kIdfWeights, Tensor(idf_).cast(floatx())}};
}

template <class Term>
void IndexLookup<Term>::set_named_arrays(
    const std::vector<std::pair<std::string, Tensor>>& arrays) {
  for (const auto& [name, array] : arrays) {
    if (name == kIdfWeights) idf_ = array.template to_vector<double>();
  }
  state_changed();
}

template void IndexLookup<std::string>::check_adaptable() const;
template void IndexLookup<std::string>::adapt(const Tensor&);
template void IndexLookup<std::string>::reset_state();
template void IndexLookup<std::string>::update_state(const Tensor&);
template void IndexLookup<std::string>::count_document(
    std::span<const std::string_view>);
template void IndexLookup<std::string>::finalize_state();
template std::map<std::string, std::string>
IndexLookup<std::string>::save_assets() const;
template void IndexLookup<std::string>::load_assets(
    const std::map<std::string, std::string>&);
template std::vector<std::string> IndexLookup<std::string>::parse_lines(
    std::string_view, const std::string&) const;
template std::vector<std::pair<std::string, Tensor>>
IndexLookup<std::string>::named_arrays() const;
template void IndexLookup<std::string>::set_named_arrays(
    const std::vector<std::pair<std::string, Tensor>>&);
template void IndexLookup<std::int64_t>::check_adaptable() const;
template void IndexLookup<std::int64_t>::adapt(const Tensor&);
template void IndexLookup<std::int64_t>::reset_state();
template void IndexLookup<std::int64_t>::update_state(const Tensor&);
template void IndexLookup<std::int64_t>::count_document(
    std::span<const std::int64_t>);
template void IndexLookup<std::int64_t>::finalize_state();
template std::map<std::string, std::string>
IndexLookup<std::int64_t>::save_assets() const;
template void IndexLookup<std::int64_t>::load_assets(
    const std::map<std::string, std::string>&);
template std::vector<std::int64_t> IndexLookup<std::int64_t>::parse_lines(
    std::string_view, const std::string&) const;
template std::vector<std::pair<std::string, Tensor>>
IndexLookup<std::int64_t>::named_arrays() const;
template void IndexLookup<std::int64_t>::set_named_arrays(
    const std::vector<std::pair<std::string, Tensor>>&);

}  // namespace keratin::layers
