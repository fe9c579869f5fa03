#include <doctest/doctest.h>

#include <cmath>
#include <string>
#include <vector>

#include <keratin/error.hpp>
#include <keratin/io/csv.hpp>

#include "tests/support/files.hpp"
#include "tests/support/paths.hpp"
#include "tests/support/throws.hpp"

namespace keratin {

using io::parse_csv;
using io::Table;
using testing::message_of;

namespace {

using Texts = std::vector<std::string>;

}  // namespace

TEST_CASE("A CSV table has typed columns") {
  const Table table = parse_csv(
      "id,name,size,when\r\n"
      "1,ann,2.5,\r\n"
      "\r\n"
      "2,\"bob, \"\"b\"\"\nline\",NA,x\n"
      "3, eve ,-1e3,y");
  CHECK(table.rows() == 3);
  CHECK(table.columns() == Texts{"id", "name", "size", "when"});
  CHECK(table.is_numeric("id"));
  CHECK_FALSE(table.is_numeric("name"));
  CHECK(table.is_numeric("size"));
  CHECK(table.column("id") == Tensor(std::vector<double>{1, 2, 3}));
  CHECK(
      table.column("name") ==
      Tensor(Texts{"ann", "bob, \"b\"\nline", " eve "}));
  const Tensor size = table.column("size");
  CHECK(size.at(0) == 2.5);
  CHECK(std::isnan(size.at(1)));
  CHECK(size.at(2) == -1000);
  CHECK(table.column("when") == Tensor(Texts{"", "x", "y"}));
  CHECK(table.text("id") == Tensor(Texts{"1", "2", "3"}));
  CHECK(
      table.numeric({"id"}, DType::i32) ==
      Tensor(std::vector<std::int32_t>{1, 2, 3}, {3, 1}));
  CHECK(table.numeric_except({"size"}).shape() == Shape{3, 1});
}

TEST_CASE("Classes are numbered in sorted or in the given order") {
  const Table table = parse_csv("y\nb\na\nb\n");
  CHECK(table.labels("y") == Tensor(std::vector<std::int64_t>{1, 0, 1}));
  CHECK(
      table.labels("y", {"b", "a"}) ==
      Tensor(std::vector<std::int64_t>{0, 1, 0}));
  CHECK(
      message_of<InvalidArgument>([&] { table.labels("y", {"b"}); }) ==
      "[csv] line 3: column 'y' expected one of the 1 classes, got 'a'");
}

TEST_CASE("Delimiters, missing headers and byte order marks are understood") {
  CHECK(parse_csv("a;b\n1;2\n", {.delimiter = '\0'}).columns().size() == 2);
  CHECK(parse_csv("a\tb\n1\t2\n", {.delimiter = '\0'}).columns().size() == 2);
  CHECK(parse_csv("a|b\n1|2\n", {.delimiter = '|'}).columns().size() == 2);
  CHECK(
      parse_csv("\xef\xbb\xbf"
                "a\n1\n")
          .columns() == Texts{"a"});
  const Table plain = parse_csv("1,2\n3,4\n", {.header = false});
  CHECK(plain.columns() == Texts{"0", "1"});
  CHECK(plain.rows() == 2);
}

TEST_CASE("Numbers are read whole or not at all") {
  const Table table =
      parse_csv("a,b,c,d,e\n+1,1.,.5,1e400,0x1\n 2 ,3,4,-1e400,1_0\n");
  CHECK(table.column("a").at(0) == 1);
  CHECK(table.column("a").at(1) == 2);
  CHECK(table.column("b").at(0) == 1);
  CHECK(table.column("c").at(0) == 0.5);
  CHECK(std::isinf(table.column("d").at(0)));
  CHECK_FALSE(table.is_numeric("e"));
}

TEST_CASE("CSV errors name the line") {
  const auto message = [](const std::string& text) {
    return message_of<InvalidArgument>([&] { parse_csv(text); });
  };
  CHECK(message("a,b\n1,2\n\n3\n") == "[csv] line 4: expected 2 fields, got 1");
  CHECK(
      message("a,b\n\"x\ny\",2\n1,2,3\n") ==
      "[csv] line 4: expected 2 fields, got 3");
  CHECK(message("a\n\"x\n") == "[csv] line 2: a quoted field never ends");
  CHECK(
      message("a\n\"x\"y\n") ==
      "[csv] line 2: expected ',' after a quoted field, got 'y'");
  CHECK(message("") == "[csv] line 1: expected at least one line, got none");
  CHECK(message("a,b,a\n") == "[csv] line 1: two columns are called 'a'");
  const Table table = parse_csv("age,size\n1,2\nx,3\n");
  CHECK(message_of<InvalidArgument>([&] {
          table.numeric({"age"});
        }) == "[csv] line 3: column 'age' expected a number, got 'x'");
  CHECK(message_of<InvalidArgument>([&] {
          table.column("agge");
        }) == "[csv] no column is called 'agge'; did you mean \"age\"?");
  CHECK(message_of<InvalidArgument>([&] {
          parse_csv("a", {.delimiter = '"'});
        }).find("expected a delimiter") != std::string::npos);
}

TEST_CASE("A line of names may end with a delimiter") {
  const auto table = io::parse_csv("a,b,\n1,2\n3,4\n");
  CHECK(table.columns() == std::vector<std::string>{"a", "b"});
  CHECK(table.rows() == 2);
  CHECK_THROWS_AS(io::parse_csv("a,b,\n1\n"), InvalidArgument);
}

TEST_CASE("A CSV file is read from disk") {
  const testing::TempDir folder;
  testing::write_file(folder / "t.csv", "a\n1\nx,y\n");
  CHECK(message_of<InvalidArgument>([&] {
          io::read_csv((folder / "t.csv").string());
        }) == "[t.csv] line 3: expected 1 fields, got 2");
  CHECK(message_of<SystemError>([&] {
          io::read_csv((folder / "no.csv").string());
        }).find("open failed: No such file") != std::string::npos);
}

}  // namespace keratin
