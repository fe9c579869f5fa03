#include <algorithm>
#include <utility>

#include <keratin/error.hpp>
#include <keratin/layers/text.hpp>

#include "layers/support/factories.hpp"
#include "layers/text/encoding.hpp"
#include "layers/text/index_lookup.hpp"
#include "layers/text/strings.hpp"
#include "src/core/format.hpp"

namespace keratin::layers {

namespace {

/// The tokens of one text; what they point to is good until the next.
class Tokens {
 public:
  std::vector<std::string_view> views;

  std::string text;                  // standardized
  std::vector<std::string> strings;  // n-grams and results of functions
};

class TextVectorizationImpl final : public HostKerasLayer, public Adaptable {
 public:
  TextVectorizationImpl() = default;

  explicit TextVectorizationImpl(const TextVectorizationOptions& options)
      : HostKerasLayer(options),
        max_tokens_(options.max_tokens),
        output_mode_(options.output_mode),
        output_sequence_length_(options.output_sequence_length),
        pad_to_max_tokens_(options.pad_to_max_tokens),
        sparse_(options.sparse),
        ragged_(options.ragged),
        encoding_(options.encoding),
        standardize_function_(options.standardize.function()),
        split_function_(options.split.function()) {
    const auto named = [](const auto& part) {
      return part.name() && !part.function() ? Config(*part.name()) : Config();
    };
    standardize_ = named(options.standardize);
    split_ = named(options.split);
    if (const auto* width = std::get_if<std::int64_t>(&options.ngrams)) {
      ngrams_ = *width;
    } else if (
        const auto* widths =
            std::get_if<std::vector<std::int64_t>>(&options.ngrams)) {
      ngrams_ = Config::ints(*widths);
    }
    given_.vocabulary = options.vocabulary;
    given_.idf_weights = options.idf_weights;
    settle();
  }

  std::string class_name() const override { return "TextVectorization"; }

  void fields(FieldVisitor& visit) override {
    HostKerasLayer::fields(visit);
    visit("max_tokens", max_tokens_);
    visit("standardize", standardize_);
    visit("split", split_);
    visit("ngrams", ngrams_);
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
    visit("output_sequence_length", output_sequence_length_, {.minimum = 0});
    visit("pad_to_max_tokens", pad_to_max_tokens_);
    visit("sparse", sparse_);
    visit("ragged", ragged_);
    visit("vocabulary", vocabulary_);
    visit("idf_weights", idf_weights_);
    visit("encoding", encoding_);
    visit("vocabulary_size", vocabulary_size_, {.minimum = 0});
  }

  Config get_config() const override {
    for (const auto& [function, what] :
         {std::pair<bool, const char*>(
              static_cast<bool>(standardize_function_), "standardize"),
          std::pair<bool, const char*>(
              static_cast<bool>(split_function_), "split")}) {
      if (!function) continue;
      fail(format(
          "cannot be written: its {} is a function of the program's own; use "
          "one of Keras's names, or standardize the texts before the model",
          what));
    }
    Config config = HostKerasLayer::get_config();
    if (lookup_ != nullptr) {
      const Config inner = lookup_->get_config();
      config["vocabulary"] = inner.get("vocabulary");
      config["idf_weights"] = inner.get("idf_weights");
      config["vocabulary_size"] = lookup_->vocabulary_size();
    }
    return config;
  }

  void from_config(const Config& config, const std::string& where) override {
    Config known = config;
    known.erase("has_input_vocabulary");  // Keras 2's
    for (const char* const key : {"standardize", "split"}) {
      const Config* value = config.find(key);
      if (value == nullptr || value->is_null() || value->is_string()) continue;
      throw InvalidArgument(format(
          "[{}.{}] expected a name, got a function of Python's ({}); write it "
          "in C++ and give it to a TextVectorization of your own, registered "
          "with register_layer",
          where,
          key,
          value->dump().substr(0, 80)));
    }
    const Config* vocabulary = config.find("vocabulary");
    if (vocabulary != nullptr && vocabulary->is_string()) {
      throw InvalidArgument(format(
          "[{}.vocabulary] expected a list of terms, got the path or address "
          "'{}': files outside are not opened for a config; give the terms, "
          "or call set_vocabulary",
          where,
          vocabulary->as_string()));
    }
    HostKerasLayer::from_config(known, where);
  }

  std::map<std::string, std::string> save_assets() const override {
    return lookup_->save_assets();
  }

  void load_assets(const std::map<std::string, std::string>& assets) override {
    lookup_->load_assets(assets);
  }

  std::vector<std::pair<std::string, Tensor>> named_arrays() const override {
    return lookup_->named_arrays();
  }

  void set_named_arrays(
      const std::vector<std::pair<std::string, Tensor>>& arrays) override {
    lookup_->set_named_arrays(arrays);
  }

  // -- vocabulary
  // ---------------------------------------------------------------

  StringLookupImpl& lookup() { return *lookup_; }

  bool adapted() const override { return lookup_->adapted(); }

  void adapt(const Tensor& data) override {
    lookup_->check_adaptable();
    reset_state();
    update_state(data.rank() == 1 ? data.reshape({data.shape()[0], 1}) : data);
    finalize_state();
  }

  void reset_state() override { lookup_->reset_state(); }

  void finalize_state() override { lookup_->finalize_state(); }

  void update_state(const Tensor& data) override {
    lookup_->check_adaptable();
    const Tensor texts = squeezed(data);
    const auto values = texts.data<std::string>();
    Tokens tokens;
    if (!splits()) {
      // A row is a document of tokens.
      const std::int64_t rows = texts.rank() < 2 ? 1 : texts.shape()[0];
      if (rows == 0) return;
      const std::size_t width = values.size() / static_cast<std::size_t>(rows);
      for (std::size_t i = 0; i < values.size(); i += width) {
        lookup_->count_document(join(values.subspan(i, width), tokens));
      }
      return;
    }
    for (const std::string& text : values) {
      lookup_->count_document(tokenize(text, tokens));
    }
  }

  // -- texts to indices
  // ------------------------------------------------------------

  std::vector<Tensor> call_host(const HostInputs& inputs) override {
    const Tensor& x = one_input(inputs);
    lookup_->check_known();
    const Tensor texts = squeezed(x);
    const std::vector<std::vector<std::int64_t>> rows = indices(texts);
    // [outer..., length]
    Shape shape = texts.shape();
    if (!splits()) {
      shape = without_last(shape);
    }
    std::size_t length = 0;
    for (const auto& row : rows) length = std::max(length, row.size());
    const bool keeps = output_mode_ == "int";
    if (keeps && output_sequence_length_) {
      const auto wanted = static_cast<std::size_t>(*output_sequence_length_);
      length = ragged_ ? std::min(length, wanted) : wanted;
    }
    shape.push_back(static_cast<std::int64_t>(length));
    Tensor out(DType::i64, shape);
    const auto to = out.mutable_data<std::int64_t>();
    // Padding is 0, the mask's index; where rows are counted it does not count.
    if (!keeps) std::fill(to.begin(), to.end(), text::kDropped);
    for (std::size_t row = 0; row < rows.size(); ++row) {
      const std::size_t count = std::min(length, rows[row].size());
      std::copy_n(
          rows[row].begin(),
          count,
          to.begin() + static_cast<std::ptrdiff_t>(row * length));
    }
    return {lookup_->encode_indices(out)};
  }

 protected:
  Spec output_spec(const Spec& input) const override {
    if (input.dtype != DType::string) {
      fail(format("expected strings, got {}", name_of(input.dtype)));
    }
    Shape shape = input.shape;
    if (splits()) {
      check_splittable(shape);
      if (shape.rank() > 1) shape = without_last(shape);
      shape.push_back(kUnknown);
    } else if (!shape.empty() && ngrams_widths_) {
      shape[shape.rank() - 1] = kUnknown;
    }
    if (output_mode_ == "int") {
      if (output_sequence_length_ && !ragged_ && !shape.empty()) {
        shape[shape.rank() - 1] = *output_sequence_length_;
      }
      return {shape, DType::i64};
    }
    return {lookup_->encoded(shape), floatx()};
  }

  void settle() override {
    HostKerasLayer::settle();
    output_mode_ = text::output_mode_name(output_mode_);
    check_name(
        "standardize",
        standardize_,
        {"lower_and_strip_punctuation", "lower", "strip_punctuation"});
    check_name("split", split_, {"whitespace", "character"});
    take_ngrams();
    if (output_mode_ != "int" && output_sequence_length_) {
      fail(format(
          "expected output_sequence_length only with output_mode \"int\", got "
          "\"{}\"",
          output_mode_));
    }
    if (ragged_ && output_mode_ != "int") {
      fail(format(
          "expected ragged only with output_mode \"int\", got \"{}\"",
          output_mode_));
    }
    make_lookup();
  }

 private:
  /// The lookup is a layer of its own, as in Keras's files.
  void make_lookup() {
    given_.max_tokens = max_tokens_;
    given_.pad_to_max_tokens = pad_to_max_tokens_;
    given_.mask_token = "";
    given_.output_mode = output_mode_;
    given_.sparse = sparse_;
    given_.encoding = encoding_;
    try {
      lookup_ = std::make_shared<StringLookupImpl>(given_);
      if (!vocabulary_.is_null() || vocabulary_size_) {
        Config config = lookup_->get_config();  // with what a config said
        config["vocabulary"] = vocabulary_;
        config["idf_weights"] = idf_weights_;
        if (vocabulary_size_) config["vocabulary_size"] = *vocabulary_size_;
        lookup_->from_config(config, who());
      }
    } catch (const InvalidArgument& error) {
      fail(error.what());
    }
    add_sublayer("_lookup_layer", Layer(lookup_));
  }

  void check_name(
      const char* what,
      const Config& value,
      const std::vector<std::string>& names) const {
    if (value.is_null()) return;
    std::string list;
    for (const std::string& name : names) {
      if (value.is_string() && value.as_string() == name) return;
      list += (list.empty() ? "\"" : ", \"") + name + "\"";
    }
    fail(format(
        "expected {} to be one of {} or none, got {}",
        what,
        list,
        value.dump()));
  }

  void take_ngrams() {
    ngrams_widths_.reset();
    if (ngrams_.is_null()) return;
    std::vector<std::int64_t> widths;
    if (ngrams_.is_int()) {
      if (ngrams_.as_int() > 1000) {
        fail(format("expected ngrams of at most 1000, got {}", ngrams_.dump()));
      }
      for (std::int64_t w = 1; w <= ngrams_.as_int(); ++w) widths.push_back(w);
    } else if (ngrams_.is_array()) {
      for (const Config& width : ngrams_.as_array()) {
        widths.push_back(width.is_int() ? width.as_int() : 0);
      }
    }
    if (widths.empty() || *std::min_element(widths.begin(), widths.end()) < 1) {
      fail(format(
          "expected ngrams to be a width >= 1 or a list of them, got {}",
          ngrams_.dump()));
    }
    ngrams_widths_ = std::move(widths);
  }

  bool splits() const { return !split_.is_null() || split_function_; }

  static Shape without_last(const Shape& shape) {
    Shape out;
    for (std::size_t i = 0; i + 1 < shape.rank(); ++i) out.push_back(shape[i]);
    return out;
  }

  void check_splittable(const Shape& shape) const {
    if (shape.rank() <= 1 || shape.back() == 1) return;
    fail(format(
        "expected texts of shape [batch] or [batch, 1] to split, got {}",
        shape));
  }

  /// [..., 1] loses its last axis when texts are split.
  Tensor squeezed(const Tensor& x) const {
    if (x.dtype() != DType::string) {
      fail(format("expected strings, got {}", name_of(x.dtype())));
    }
    if (!splits()) return x;
    check_splittable(x.shape());
    return x.rank() > 1 ? x.reshape(without_last(x.shape())) : x;
  }

  void standardize(std::string& text) const {
    if (standardize_function_) {
      text = standardize_function_(text);
      return;
    }
    if (standardize_.is_null()) return;
    const std::string& name = standardize_.as_string();
    if (name != "strip_punctuation") text::lower(text);
    if (name != "lower") text::strip_punctuation(text);
  }

  const std::vector<std::string_view>& tokenize(
      const std::string& text, Tokens& tokens) const {
    tokens.text = text;
    standardize(tokens.text);
    if (split_function_) {
      tokens.strings = split_function_(tokens.text);
      tokens.views.assign(tokens.strings.begin(), tokens.strings.end());
    } else if (split_.as_string() == "whitespace") {
      text::split_whitespace(tokens.text, tokens.views);
    } else {
      text::split_characters(tokens.text, tokens.views);
    }
    return widen(tokens);
  }

  /// Tokens that came split.
  const std::vector<std::string_view>& join(
      std::span<const std::string> row, Tokens& tokens) const {
    tokens.strings.assign(row.begin(), row.end());
    for (std::string& token : tokens.strings) standardize(token);
    tokens.views.assign(tokens.strings.begin(), tokens.strings.end());
    return widen(tokens);
  }

  const std::vector<std::string_view>& widen(Tokens& tokens) const {
    if (ngrams_widths_) {
      std::vector<std::string> joined =
          text::ngrams(tokens.views, *ngrams_widths_);
      tokens.strings = std::move(joined);
      tokens.views.assign(tokens.strings.begin(), tokens.strings.end());
    }
    return tokens.views;
  }

  std::vector<std::vector<std::int64_t>> indices(const Tensor& texts) const {
    std::vector<std::vector<std::int64_t>> rows;
    const auto values = texts.data<std::string>();
    Tokens tokens;
    const auto add = [&](const std::vector<std::string_view>& views) {
      std::vector<std::int64_t>& row = rows.emplace_back();
      row.reserve(views.size());
      for (const std::string_view token : views) {
        row.push_back(lookup_->index_of(token));
      }
    };
    if (splits()) {
      rows.reserve(values.size());
      for (const std::string& text : values) add(tokenize(text, tokens));
      return rows;
    }
    const std::size_t width =
        texts.rank() == 0 ? 1 : static_cast<std::size_t>(texts.shape().back());
    if (width == 0) return rows;
    for (std::size_t i = 0; i < values.size(); i += width) {
      add(join(values.subspan(i, width), tokens));
    }
    return rows;
  }

  // Arguments, as configs hold them.
  std::optional<std::int64_t> max_tokens_;
  Config standardize_ = "lower_and_strip_punctuation";
  Config split_ = "whitespace";
  Config ngrams_;
  std::string output_mode_ = "int";
  std::optional<std::int64_t> output_sequence_length_;
  bool pad_to_max_tokens_ = false;
  bool sparse_ = false;
  bool ragged_ = false;
  Config vocabulary_;  // of a config; the lookup keeps it
  Config idf_weights_;
  std::string encoding_ = "utf-8";
  std::optional<std::int64_t> vocabulary_size_;

  Standardize::Function standardize_function_;
  Split::Function split_function_;
  std::optional<std::vector<std::int64_t>> ngrams_widths_;
  StringLookupOptions given_;  // of the vocabulary, from C++
  std::shared_ptr<StringLookupImpl> lookup_;
};

TextVectorizationImpl& impl_of(const Layer& layer) {
  return static_cast<TextVectorizationImpl&>(layer.impl());
}

}  // namespace

std::shared_ptr<LayerImpl> make_text_vectorization() {
  return std::make_shared<TextVectorizationImpl>();
}

TextVectorization::TextVectorization(TextVectorizationOptions options)
    : Layer(std::make_shared<TextVectorizationImpl>(options)) {}

void TextVectorization::adapt(const Tensor& texts) {
  impl_of(*this).adapt(texts);
}

void TextVectorization::reset_state() {
  impl_of(*this).reset_state();
}

void TextVectorization::update_state(const Tensor& texts) {
  impl_of(*this).update_state(texts);
}

void TextVectorization::finalize_state() {
  impl_of(*this).finalize_state();
}

void TextVectorization::set_vocabulary(
    const std::vector<std::string>& vocabulary,
    const std::vector<double>& idf_weights) {
  impl_of(*this).lookup().set_vocabulary(vocabulary, idf_weights);
}

std::vector<std::string> TextVectorization::get_vocabulary(
    bool include_special_tokens) const {
  return impl_of(*this).lookup().vocabulary(include_special_tokens);
}

std::int64_t TextVectorization::vocabulary_size() const {
  return impl_of(*this).lookup().vocabulary_size();
}

}  // namespace keratin::layers
