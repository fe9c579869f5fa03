#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

/// TensorFlow's string functions as TextVectorization uses them. Strings are
/// bytes; what is not ASCII is left alone unless said otherwise.
namespace keratin::text {

/// tf.strings.lower without an encoding: A to Z only.
void lower(std::string& text);

/// Takes the 32 punctuation characters of ASCII out.
void strip_punctuation(std::string& text);

/// The words between runs of ASCII white space.
void split_whitespace(
    std::string_view text, std::vector<std::string_view>& words);

/// tf.strings.unicode_split: one piece a code point. Every malformed sequence
/// yields U+FFFD.
void split_characters(
    std::string_view text, std::vector<std::string_view>& characters);

/// tf.strings.ngrams: all n-grams of the first width, then of the next, joined
/// by a space.
std::vector<std::string> ngrams(
    const std::vector<std::string_view>& words,
    const std::vector<std::int64_t>& widths);

/// A string encoding of Python's that vocabularies may be in.
enum class Encoding { utf8, latin1 };

/// Throws InvalidArgument naming `who` and the encodings there are.
Encoding parse_encoding(const std::string& name, const std::string& who);

/// To UTF-8, and back. Throw InvalidArgument for what cannot be encoded.
std::string decode(std::string_view bytes, Encoding encoding);
std::string encode(
    std::string_view text, Encoding encoding, const std::string& who);

}  // namespace keratin::text
