// StringLookup and IntegerLookup: what index_lookup.cpp does, with its names.

#include <utility>

#include "layers/support/factories.hpp"
#include "layers/text/index_lookup.hpp"

namespace keratin::layers {

StringLookupImpl::StringLookupImpl(const StringLookupOptions& options)
    : IndexLookup(options) {
  encoding_name_ = options.encoding;
  settle();
}

void StringLookupImpl::fields(FieldVisitor& visit) {
  IndexLookup::fields(visit);
  visit("encoding", encoding_name_);
}

IntegerLookupImpl::IntegerLookupImpl(const IntegerLookupOptions& options)
    : IndexLookup(options) {
  vocabulary_dtype_ = options.vocabulary_dtype;
  oov_method_ = options.oov_method;
  settle();
}

void IntegerLookupImpl::fields(FieldVisitor& visit) {
  IndexLookup::fields(visit);
}

std::shared_ptr<LayerImpl> make_string_lookup() {
  return std::make_shared<StringLookupImpl>();
}

std::shared_ptr<LayerImpl> make_integer_lookup() {
  return std::make_shared<IntegerLookupImpl>();
}

namespace {

StringLookupImpl& strings(const Layer& layer) {
  return static_cast<StringLookupImpl&>(layer.impl());
}

IntegerLookupImpl& integers(const Layer& layer) {
  return static_cast<IntegerLookupImpl&>(layer.impl());
}

}  // namespace

StringLookup::StringLookup(StringLookupOptions options)
    : Layer(std::make_shared<StringLookupImpl>(options)) {}

void StringLookup::adapt(const Tensor& data) {
  strings(*this).adapt(data);
}

void StringLookup::reset_state() {
  strings(*this).reset_state();
}

void StringLookup::update_state(const Tensor& data) {
  strings(*this).update_state(data);
}

void StringLookup::finalize_state() {
  strings(*this).finalize_state();
}

void StringLookup::set_vocabulary(
    const std::vector<std::string>& vocabulary,
    const std::vector<double>& idf_weights) {
  strings(*this).set_vocabulary(vocabulary, idf_weights);
}

std::vector<std::string> StringLookup::get_vocabulary(
    bool include_special_tokens) const {
  return strings(*this).vocabulary(include_special_tokens);
}

std::int64_t StringLookup::vocabulary_size() const {
  return strings(*this).vocabulary_size();
}

IntegerLookup::IntegerLookup(IntegerLookupOptions options)
    : Layer(std::make_shared<IntegerLookupImpl>(options)) {}

void IntegerLookup::adapt(const Tensor& data) {
  integers(*this).adapt(data);
}

void IntegerLookup::reset_state() {
  integers(*this).reset_state();
}

void IntegerLookup::update_state(const Tensor& data) {
  integers(*this).update_state(data);
}

void IntegerLookup::finalize_state() {
  integers(*this).finalize_state();
}

void IntegerLookup::set_vocabulary(
    const std::vector<std::int64_t>& vocabulary,
    const std::vector<double>& idf_weights) {
  integers(*this).set_vocabulary(vocabulary, idf_weights);
}

std::vector<std::int64_t> IntegerLookup::get_vocabulary(
    bool include_special_tokens) const {
  return integers(*this).vocabulary(include_special_tokens);
}

std::int64_t IntegerLookup::vocabulary_size() const {
  return integers(*this).vocabulary_size();
}

}  // namespace keratin::layers
