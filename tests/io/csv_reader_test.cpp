// CSV files line by line: what read_csv reads, at any size.

#include <doctest/doctest.h>

#include <string>
#include <vector>

#include <keratin/error.hpp>
#include <keratin/io/csv_reader.hpp>

#include "tests/support/files.hpp"
#include "tests/support/paths.hpp"
#include "tests/support/throws.hpp"

namespace keratin {

using io::CsvOptions;
using io::CsvReader;
using testing::message_of;
using testing::TempDir;

namespace {

using Lines = std::vector<std::vector<std::string>>;

Lines read_all(const std::string& path, const CsvOptions& options = {}) {
  CsvReader reader(path, options);
  Lines out;
  std::vector<std::string> fields;
  while (reader.next(fields)) out.push_back(fields);
  return out;
}

/// The same by way of a table.
Lines by_table(const std::string& path, const CsvOptions& options = {}) {
  const io::Table table = io::read_csv(path, options);
  Lines out(static_cast<std::size_t>(table.rows()));
  for (const std::string& name : table.columns()) {
    const Tensor column = table.text(name);
    const auto texts = column.data<std::string>();
    for (std::size_t row = 0; row < out.size(); ++row) {
      out[row].push_back(texts[row]);
    }
  }
  return out;
}

}  // namespace

TEST_CASE("A stream of lines is the table's, quotes and line ends included") {
  const TempDir folder;
  const std::string path = (folder / "x.csv").string();
  for (const std::string& text :
       {std::string("a,b\n1,2\n3,4\n"),
        std::string("\xef\xbb\xbf"
                    "a,b\r\n1,\"x,\"\"y\"\"\r\nz\"\r\n\r\n,\r\n"),
        std::string("a;b;\n1;2\n3;4"),
        std::string("a\tb\n\"\"\t\" \"\n\r\tx\ry\n"),
        "a,b\n" + std::string(300'000, 'x') + ",\"" +
            std::string(600'000, '\n') + "\"\n1,2\n"}) {
    testing::write_file(path, text);
    const CsvOptions options{.delimiter = '\0'};
    CHECK(read_all(path, options) == by_table(path, options));
    const CsvOptions plain{.delimiter = '\0', .header = false};
    if (text.find(";\n") == std::string::npos) {
      CHECK(read_all(path, plain) == by_table(path, plain));
    }
  }
}

TEST_CASE("Fields that end where the buffer ends are whole") {
  const TempDir folder;
  const std::string path = (folder / "x.csv").string();
  // The buffer's 2^18 bytes end at each place of a line once.
  for (std::size_t shift = 0; shift < 24; ++shift) {
    std::string text = "a,b,c\n" + std::string(shift, 'x') + ",0,0\r\n";
    while (text.size() < 600'000) text += "12,\"q\"\"u,\r\n\",\"\"\r\n";
    testing::write_file(path, text);
    CAPTURE(shift);
    CHECK(read_all(path) == by_table(path));
  }
}

TEST_CASE("A line that does not fit is named and can be passed over") {
  const TempDir folder;
  const std::string path = (folder / "x.csv").string();
  testing::write_file(path, "a,b\n1,2\n3\n\"\n\",4\n5,6,7\n8,9\n");
  CsvReader reader(path);
  std::vector<std::string> fields;
  CHECK(reader.columns() == std::vector<std::string>{"a", "b"});
  CHECK(reader.next(fields));
  CHECK(message_of<InvalidArgument>([&] {
          reader.next(fields);
        }) == "[x.csv] line 3: expected 2 fields, got 1");
  CHECK(reader.next(fields));
  CHECK(fields[0] == "\n");
  CHECK(reader.line() == 4);
  CHECK(message_of<InvalidArgument>([&] {
          reader.next(fields);
        }) == "[x.csv] line 6: expected 2 fields, got 3");
  CHECK(reader.next(fields));
  CHECK(fields == std::vector<std::string>{"8", "9"});
  CHECK_FALSE(reader.next(fields));
  CHECK_FALSE(reader.next(fields));

  testing::write_file(path, "a,b\n1,\"2\n");
  CsvReader open(path);
  CHECK(message_of<InvalidArgument>([&] {
          open.next(fields);
        }) == "[x.csv] line 2: a quoted field never ends");
  CHECK_FALSE(open.next(fields));

  testing::write_file(path, "");
  CHECK(message_of<InvalidArgument>([&] {
          CsvReader{path};
        }) == "[x.csv] line 1: expected at least one line, got none");
  testing::write_file(path, "a, a\n");
  CHECK(message_of<InvalidArgument>([&] {
          CsvReader{path};
        }) == "[x.csv] line 1: two columns are called 'a'");
  CHECK(message_of<SystemError>([&] {
          CsvReader{folder.path().string()};
        }).find("expected a regular file, got a folder") != std::string::npos);
}

}  // namespace keratin
