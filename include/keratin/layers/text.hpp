#pragma once

#include <cstddef>
#include <cstdint>
#include <functional>
#include <initializer_list>
#include <optional>
#include <string>
#include <type_traits>
#include <utility>
#include <variant>
#include <vector>

#include <keratin/export.hpp>
#include <keratin/host_layer.hpp>
#include <keratin/layer.hpp>
#include <keratin/tensor.hpp>

/// Keras's layers on text and categories. Except CategoryEncoding and
/// Discretization they run on the host, before a model's graph (see
/// <keratin/host_layer.hpp>).
///
/// Every layer takes Keras's output modes. "sparse" and "ragged" results are
/// dense arrays of the same meaning: there are no other arrays here.
namespace keratin::layers {

struct CategoryEncodingOptions {
  std::string output_mode = "multi_hot";  // or "one_hot", "count"
  bool sparse = false;                    // the result is dense all the same
  std::string name = {};
  DTypePolicy dtype = {};
  bool trainable = true;
};

/// Integers 0 to num_tokens - 1 as vectors; others count for nothing. In mode
/// "count" a second tensor, the keyword argument "count_weights", weighs them.
///
///   one_hot: [..., 1] or [...] -> [..., num_tokens]
///   multi_hot, count: [batch, length] -> [batch, num_tokens]
class KERATIN_API CategoryEncoding : public Layer {
 public:
  explicit CategoryEncoding(
      std::int64_t num_tokens, CategoryEncodingOptions options = {});
};

struct DiscretizationOptions {
  /// Bins reach from one boundary to below the next. This or num_bins.
  std::optional<std::vector<double>> bin_boundaries = {};
  std::optional<std::int64_t> num_bins = {};  // found by adapt
  double epsilon = 0.01;                      // how exact quantiles are
  std::string output_mode = "int";            // or as Hashing
  bool sparse = false;
  std::string name = {};
  DTypePolicy dtype = {};
  bool trainable = true;
};

/// Numbers as the bins they fall into.
class KERATIN_API Discretization : public Layer {
 public:
  explicit Discretization(DiscretizationOptions options = {});

  /// Quantiles of the data, as Keras estimates them. In parts: reset_state,
  /// update_state for each, finalize_state.
  void adapt(const Tensor& data);
  void reset_state();
  void update_state(const Tensor& data);
  void finalize_state();

  /// Empty before adapt.
  const std::vector<double>& bin_boundaries() const;
};

struct HashingOptions {
  /// What goes to bin 0, which then holds nothing else.
  std::optional<std::variant<std::int64_t, std::string>> mask_value = {};
  /// One number or two: SipHash64 with that key. None: FarmHash64.
  std::vector<std::int64_t> salt = {};
  std::string output_mode = "int";  // or "one_hot", "multi_hot", "count"
  bool sparse = false;
  std::string name = {};
  /// Default: int64 in mode "int", else the global policy's.
  std::optional<DTypePolicy> dtype = {};
  bool trainable = true;
};

/// Strings or integers hashed into num_bins bins, the same ones as Keras's.
class KERATIN_API Hashing : public Layer {
 public:
  explicit Hashing(std::int64_t num_bins, HashingOptions options = {});
};

struct HashedCrossingOptions {
  std::string output_mode = "int";  // or "one_hot"
  bool sparse = false;
  std::string name = {};
  std::optional<DTypePolicy> dtype = {};  // as in HashingOptions
  bool trainable = true;
};

/// Combinations of two or more features ([batch] or [batch, 1], strings or
/// integers) hashed into num_bins bins.
class KERATIN_API HashedCrossing : public Layer {
 public:
  explicit HashedCrossing(
      std::int64_t num_bins, HashedCrossingOptions options = {});
};

/// Terms, or the path of a text file with a term a line.
template <class Term>
class Vocabulary {
 public:
  Vocabulary() = default;  // none: adapt finds it

  // NOLINTBEGIN(google-explicit-constructor): terms read as a vocabulary
  Vocabulary(std::initializer_list<Term> terms)
      : terms_(std::vector<Term>(terms)) {}

  Vocabulary(std::vector<Term> terms) : terms_(std::move(terms)) {}

  Vocabulary(const char* path) : path_(path) {}

  // NOLINTEND(google-explicit-constructor)

  const std::optional<std::vector<Term>>& terms() const { return terms_; }

  const std::string& path() const { return path_; }

 private:
  std::optional<std::vector<Term>> terms_;
  std::string path_;
};

struct StringLookupOptions {
  std::optional<std::int64_t> max_tokens = {};  // special ones included
  std::int64_t num_oov_indices = 1;
  std::optional<std::string> mask_token = {};
  std::optional<std::string> oov_token = "[UNK]";  // of invert
  Vocabulary<std::string> vocabulary = {};
  std::vector<double> idf_weights = {};
  bool invert = false;
  /// "int", "one_hot", "multi_hot", "count" or "tf_idf".
  std::string output_mode = "int";
  bool pad_to_max_tokens = false;
  bool sparse = false;
  std::string encoding = "utf-8";
  std::vector<std::int64_t> salt = {};  // as in HashingOptions
  std::string name = {};
  DTypePolicy dtype = {};
  bool trainable = true;
};

/// Strings as indices into a vocabulary, or back. Indices are int64; the other
/// modes yield numbers of Keras's floatx.
///
///   index 0: the mask token, if there is one (mode "int" only)
///   then num_oov_indices for strings that are not in the vocabulary, which are
///   hashed into them; then the vocabulary
class KERATIN_API StringLookup : public Layer {
 public:
  explicit StringLookup(StringLookupOptions options = {});

  /// The strings in data, the most frequent first. [n]: each a document of its
  /// own; [n, ...]: a document a row (for "tf_idf"). In parts: reset_state,
  /// update_state for each, finalize_state.
  void adapt(const Tensor& data);
  void reset_state();
  void update_state(const Tensor& data);
  void finalize_state();

  /// Throws InvalidArgument for repeated terms, for more than max_tokens and
  /// for idf_weights that do not fit.
  void set_vocabulary(
      const std::vector<std::string>& vocabulary,
      const std::vector<double>& idf_weights = {});
  std::vector<std::string> get_vocabulary(
      bool include_special_tokens = true) const;
  std::int64_t vocabulary_size() const;
};

struct IntegerLookupOptions {
  std::optional<std::int64_t> max_tokens = {};
  std::int64_t num_oov_indices = 1;
  std::optional<std::int64_t> mask_token = {};
  std::optional<std::int64_t> oov_token = -1;
  Vocabulary<std::int64_t> vocabulary = {};
  std::string vocabulary_dtype = "int64";  // the only one there is
  std::vector<double> idf_weights = {};
  bool invert = false;
  std::string output_mode = "int";
  bool sparse = false;
  bool pad_to_max_tokens = false;
  /// How integers out of vocabulary share several indices: "floormod", or
  /// "farmhash" (SipHash64 with a salt).
  std::string oov_method = "floormod";
  std::vector<std::int64_t> salt = {};
  std::string name = {};
  DTypePolicy dtype = {};
  bool trainable = true;
};

/// Integers as indices into a vocabulary, or back; as StringLookup.
class KERATIN_API IntegerLookup : public Layer {
 public:
  explicit IntegerLookup(IntegerLookupOptions options = {});

  void adapt(const Tensor& data);
  void reset_state();
  void update_state(const Tensor& data);
  void finalize_state();

  void set_vocabulary(
      const std::vector<std::int64_t>& vocabulary,
      const std::vector<double>& idf_weights = {});
  std::vector<std::int64_t> get_vocabulary(
      bool include_special_tokens = true) const;
  std::int64_t vocabulary_size() const;
};

/// How texts are cleaned: a name ("lower_and_strip_punctuation", "lower",
/// "strip_punctuation"), nothing (nullptr), or a function of one's own, which a
/// file cannot hold.
class KERATIN_API Standardize {
 public:
  using Function = std::function<std::string(const std::string&)>;

  // NOLINTBEGIN(google-explicit-constructor): names read as what they name
  Standardize(std::nullptr_t) : name_(std::nullopt) {}

  Standardize(const char* name) : name_(name) {}

  Standardize(std::string name) : name_(std::move(name)) {}

  template <class F>

  requires std::is_invocable_r_v<std::string, F, const std::string&>
  Standardize(F function) : function_(std::move(function)) {}

  // NOLINTEND(google-explicit-constructor)

  const std::optional<std::string>& name() const { return name_; }

  const Function& function() const { return function_; }

 private:
  std::optional<std::string> name_;
  Function function_;
};

/// How texts become tokens: "whitespace", "character", nothing (nullptr), or a
/// function of one's own.
class KERATIN_API Split {
 public:
  using Tokens = std::vector<std::string>;
  using Function = std::function<Tokens(const std::string&)>;

  // NOLINTBEGIN(google-explicit-constructor): names read as what they name
  Split(std::nullptr_t) : name_(std::nullopt) {}

  Split(const char* name) : name_(name) {}

  Split(std::string name) : name_(std::move(name)) {}

  template <class F>

  requires std::is_invocable_r_v<Tokens, F, const std::string&> Split(
      F function)
      : function_(std::move(function)) {}

  // NOLINTEND(google-explicit-constructor)

  const std::optional<std::string>& name() const { return name_; }

  const Function& function() const { return function_; }

 private:
  std::optional<std::string> name_;
  Function function_;
};

/// None, all widths up to a number, or these widths.
using NGrams =
    std::variant<std::monostate, std::int64_t, std::vector<std::int64_t>>;

struct TextVectorizationOptions {
  std::optional<std::int64_t> max_tokens = {};
  Standardize standardize = "lower_and_strip_punctuation";
  Split split = "whitespace";
  NGrams ngrams = {};
  /// "int", "multi_hot", "count" or "tf_idf".
  std::string output_mode = "int";
  /// Rows are cut or padded with 0 to this length; without, to the longest of
  /// the batch, and a model then compiles anew for every length.
  std::optional<std::int64_t> output_sequence_length = {};
  bool pad_to_max_tokens = false;
  Vocabulary<std::string> vocabulary = {};
  std::vector<double> idf_weights = {};
  bool sparse = false;
  bool ragged = false;  // output_sequence_length then only cuts
  std::string encoding = "utf-8";
  std::string name = {};
  DTypePolicy dtype = {};
  bool trainable = true;
};

/// Texts as indices of their words, or as counts over the vocabulary.
///
///   [batch] or [batch, 1] strings -> [batch, length] i64, or
///                                    [batch, tokens] of Keras's floatx
class KERATIN_API TextVectorization : public Layer {
 public:
  explicit TextVectorization(TextVectorizationOptions options = {});

  /// The words of the texts, the most frequent first.
  void adapt(const Tensor& texts);
  void reset_state();
  void update_state(const Tensor& texts);
  void finalize_state();

  void set_vocabulary(
      const std::vector<std::string>& vocabulary,
      const std::vector<double>& idf_weights = {});
  std::vector<std::string> get_vocabulary(
      bool include_special_tokens = true) const;
  std::int64_t vocabulary_size() const;
};

}  // namespace keratin::layers
