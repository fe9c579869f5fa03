#pragma once

#include <cstdint>
#include <map>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <type_traits>
#include <unordered_map>
#include <utility>
#include <vector>

#include <keratin/layers/text.hpp>

#include "layers/text/host_keras_layer.hpp"
#include "layers/text/strings.hpp"

namespace keratin::layers {

namespace detail {

struct TermHash {
  using is_transparent = void;

  std::size_t operator()(std::string_view text) const {
    return std::hash<std::string_view>()(text);
  }

  std::size_t operator()(std::int64_t value) const {
    return std::hash<std::int64_t>()(value);
  }
};

}  // namespace detail

/// What StringLookup and IntegerLookup share (Keras's IndexLookup). Term is
/// std::string or std::int64_t. Defined in index_lookup.cpp for the two.
template <class Term>
class IndexLookup : public HostKerasLayer, public Adaptable {
 public:
  static constexpr bool kText = std::is_same_v<Term, std::string>;

  /// How a term is looked at.
  using View = std::conditional_t<kText, std::string_view, std::int64_t>;

  using Terms = std::vector<Term>;

  IndexLookup();

  /// Takes what the two layers' options have in common.
  template <class Options>
  explicit IndexLookup(const Options& options) : HostKerasLayer(options) {
    max_tokens_ = options.max_tokens;
    num_oov_indices_ = options.num_oov_indices;
    if (options.mask_token) mask_config_ = *options.mask_token;
    oov_config_ = options.oov_token ? Config(*options.oov_token) : Config();
    invert_ = options.invert;
    output_mode_ = options.output_mode;
    pad_to_max_tokens_ = options.pad_to_max_tokens;
    sparse_ = options.sparse;
    salt_ = salt_config(options.salt);
    take_vocabulary(options.vocabulary, options.idf_weights);
  }

  void fields(FieldVisitor& visit) override;
  void from_config(const Config& config, const std::string& where) override;

  std::vector<Tensor> call_host(const HostInputs& inputs) override;

  std::map<std::string, std::string> save_assets() const override;
  void load_assets(const std::map<std::string, std::string>& assets) override;
  std::vector<std::pair<std::string, Tensor>> named_arrays() const override;
  void set_named_arrays(
      const std::vector<std::pair<std::string, Tensor>>& arrays) override;

  void adapt(const Tensor& data) override;

  bool adapted() const override { return known_; }

  void reset_state() override;
  void update_state(const Tensor& data) override;
  void finalize_state() override;

  /// Counts the terms of one document more.
  void count_document(std::span<const View> terms);

  /// Fails when the vocabulary was an argument.
  void check_adaptable() const;

  void set_vocabulary(const Terms& vocabulary, const std::vector<double>& idf);
  Terms vocabulary(bool include_special_tokens) const;

  std::int64_t vocabulary_size() const {
    return static_cast<std::int64_t>(terms_.size()) + token_start();
  }

  /// The index of a term; text::kDropped for the mask token where no index is
  /// reserved for it. Fails when there is none for what is not in the
  /// vocabulary.
  std::int64_t index_of(View term) const;

  /// Indices as the output mode wants them.
  Tensor encode_indices(const Tensor& indices) const;

  /// Fails when there is no vocabulary yet.
  void check_known() const;

  /// The shape of encode_indices.
  Shape encoded(const Shape& indices) const;

  const std::string& output_mode() const { return output_mode_; }

  std::optional<std::int64_t> max_tokens() const { return max_tokens_; }

  /// The idf weights, special tokens included; empty before they are known.
  const std::vector<double>& idf_weights() const { return idf_; }

 protected:
  Spec output_spec(const Spec& input) const override;
  void settle() override;

  text::Encoding encoding_ = text::Encoding::utf8;
  std::string encoding_name_ = "utf-8";
  std::string vocabulary_dtype_ = "int64";
  std::string oov_method_ = "floormod";

 private:
  void take_vocabulary(
      const Vocabulary<Term>& vocabulary, const std::vector<double>& idf);
  Terms read_terms(const Config& list, const std::string& what) const;
  std::optional<Term> read_term(
      const Config& term, const std::string& what) const;
  Terms parse_lines(std::string_view text, const std::string& source) const;
  std::string text_of(const Term& term) const;
  void set_terms(Terms terms);
  void check_terms(const Terms& terms, const Terms& vocabulary) const;
  std::int64_t depth() const;
  Tensor invert(const Tensor& indices) const;

  bool reserves_mask() const { return mask_ && output_mode_ == "int"; }

  std::int64_t oov_start() const { return reserves_mask() ? 1 : 0; }

  std::int64_t token_start() const { return oov_start() + num_oov_indices_; }

  // Arguments, as configs hold them.
  std::optional<std::int64_t> max_tokens_;
  std::int64_t num_oov_indices_ = 1;
  Config mask_config_;
  Config oov_config_;
  bool invert_ = false;
  std::string output_mode_ = "int";
  bool sparse_ = false;
  bool pad_to_max_tokens_ = false;
  Config vocabulary_config_;     // given as an argument
  std::string vocabulary_path_;  // the same, by the name of a file
  Config idf_config_;
  std::optional<std::int64_t> vocabulary_size_;  // known, as outputs have it
  Config salt_;

  // What follows from them.
  std::optional<Term> mask_;
  std::optional<Term> oov_;
  std::optional<std::pair<std::uint64_t, std::uint64_t>> keys_;
  bool given_ = false;  // the vocabulary is an argument: no adapting

  // State.
  bool known_ = false;
  Terms terms_;  // without the special ones
  std::unordered_map<Term, std::int64_t, detail::TermHash, std::equal_to<>>
      index_;
  std::vector<double> idf_;

  // While adapting.
  struct Count {
    std::int64_t terms = 0;
    std::int64_t documents = 0;
    std::int64_t last_document = -1;
  };

  std::unordered_map<Term, Count, detail::TermHash, std::equal_to<>> counts_;
  std::int64_t documents_ = 0;
};

class StringLookupImpl final : public IndexLookup<std::string> {
 public:
  StringLookupImpl() = default;
  explicit StringLookupImpl(const StringLookupOptions& options);

  std::string class_name() const override { return "StringLookup"; }

  void fields(FieldVisitor& visit) override;
};

class IntegerLookupImpl final : public IndexLookup<std::int64_t> {
 public:
  IntegerLookupImpl() = default;
  explicit IntegerLookupImpl(const IntegerLookupOptions& options);

  std::string class_name() const override { return "IntegerLookup"; }

  void fields(FieldVisitor& visit) override;
};

}  // namespace keratin::layers
