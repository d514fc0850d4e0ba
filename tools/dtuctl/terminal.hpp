// What standard output and standard error are connected to, and tables for it.
#pragma once
#include <string>
#include <utility>
#include <vector>

namespace dtuctl {

enum class Colour { none, good, warning, bad, faint, bold };

struct Terminal {
  bool colours = false;   // standard output is a terminal, and NO_COLOR is not set
  size_t width = 0;       // of standard output; 0: not a terminal, nothing is cut
  bool progress = false;  // standard error is a terminal
  static Terminal of_this_process();
  [[nodiscard]] std::string paint(Colour colour, const std::string& text) const;
};

// To standard output. A failed write is noticed by finish_output().
void print(const std::string& text);
// Flushes; throws Failure when something could not be written (a full disk).
void finish_output();

[[nodiscard]] Colour colour_of_state(const std::string& state);

struct Cell {
  Cell(std::string t, Colour c = Colour::none) : text(std::move(t)), colour(c) {}  // NOLINT: a text is a cell
  Cell(const char* t) : text(t) {}                                                 // NOLINT
  std::string text;
  Colour colour = Colour::none;
};

class Table {
 public:
  // A title that begins with '>' stands for a column of numbers, aligned right.
  explicit Table(const std::vector<std::string>& titles);
  void add(std::vector<Cell> row);
  [[nodiscard]] bool empty() const { return rows_.empty(); }
  // Columns that are empty in every row are left out. The last one is cut to the width of the terminal.
  [[nodiscard]] std::string text(const Terminal& terminal) const;

 private:
  std::vector<std::string> titles_;
  std::vector<bool> right_;
  std::vector<std::vector<Cell>> rows_;
};

// A name and a longer text a row. On a terminal the text is wrapped at its width, and nothing is cut.
class Paragraphs {
 public:
  void add(const std::string& name, const std::string& text);
  [[nodiscard]] bool empty() const { return rows_.empty(); }
  [[nodiscard]] std::string text(const Terminal& terminal) const;

 private:
  std::vector<std::pair<std::string, std::string>> rows_;
};

}  // namespace dtuctl
