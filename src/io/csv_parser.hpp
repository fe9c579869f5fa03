#pragma once

#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace keratin::io {

/// The fields of a CSV text, in one run: `width` for each line.
struct CsvCells {
  std::shared_ptr<const std::string> text;  // what the fields point into
  std::vector<std::string_view> fields;
  std::vector<std::int64_t> lines;  // where each row begins, counted from 1
  std::size_t width = 0;
};

/// Splits by RFC 4180. `delimiter` '\0' is guessed from the first line. Throws
/// InvalidArgument "[source] line N: ..." for uneven rows, broken quotes and a
/// text without any row.
CsvCells split_csv(std::string text, char delimiter, const std::string& source);

/// Whichever of , ; tab | the first line has most.
char guess_delimiter(std::string_view text);

/// Throws InvalidArgument for a quote and for line breaks.
void check_delimiter(char delimiter, const std::string& source);

/// The number a field holds, blanks around it ignored; nothing when it is none.
std::optional<double> parse_number(std::string_view field);

/// Without blanks at both ends.
std::string_view trimmed(std::string_view field);

}  // namespace keratin::io
