// Table: cells in columns, each as wide as its widest cell, for people at a terminal.
#pragma once

#include <cstddef>
#include <string>
#include <vector>

namespace clearline {

class Table {
 public:
  enum class Align { kLeft, kRight };
  struct Column {
    std::string title;
    Align align = Align::kLeft;
  };
  explicit Table(std::vector<Column> columns) : columns_(std::move(columns)) {}

  /// One line: a cell a column.
  void add(std::vector<std::string> cells);

  /// The titles and all lines. Two blanks stand between columns, none at the end of a line. Cells are measured in
  /// characters; one that a terminal shows wider belongs into the last column.
  std::string text() const;

 private:
  std::vector<Column> columns_;
  std::vector<std::vector<std::string>> lines_;
};

}  // namespace clearline
