#include "terminal.hpp"

#include <sys/ioctl.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <cstdint>
#include <cstdio>
#include <cstdlib>
#include <system_error>
#include <utility>

#include "failure.hpp"
#include "text.hpp"

namespace dtuctl {

Terminal Terminal::of_this_process() {
  Terminal t;
  t.progress = ::isatty(STDERR_FILENO) == 1;
  if (::isatty(STDOUT_FILENO) != 1) return t;
  const char* no_colour = std::getenv("NO_COLOR");
  const char* term = std::getenv("TERM");
  const bool dumb = term != nullptr && std::string(term) == "dumb";
  t.colours = (no_colour == nullptr || *no_colour == '\0') && !dumb;
  winsize size{};
  if (::ioctl(STDOUT_FILENO, TIOCGWINSZ, &size) == 0) t.width = size.ws_col;
  return t;
}

std::string Terminal::paint(Colour colour, const std::string& text) const {
  constexpr std::array<const char*, 6> codes{"", "32", "33", "31", "2", "1"};
  const char* code = codes.at(static_cast<size_t>(colour));
  if (!colours || *code == '\0') return text;
  return std::string("\x1b[") + code + "m" + text + "\x1b[0m";
}

void print(const std::string& text) { std::fwrite(text.data(), 1, text.size(), stdout); }

void finish_output() {
  if (std::fflush(stdout) != 0 || std::ferror(stdout) != 0)
    throw Failure(kFailed, "cannot write the output: " + std::generic_category().message(errno));
}

Colour colour_of_state(const std::string& state) {
  constexpr std::array<std::pair<const char*, Colour>, 13> colours{{{"up", Colour::good},
                                                                    {"running", Colour::good},
                                                                    {"open", Colour::good},
                                                                    {"loaded", Colour::good},
                                                                    {"ok", Colour::good},
                                                                    {"connecting", Colour::warning},
                                                                    {"starting", Colour::warning},
                                                                    {"degraded", Colour::warning},
                                                                    {"warning", Colour::warning},
                                                                    {"down", Colour::bad},
                                                                    {"failed", Colour::bad},
                                                                    {"error", Colour::bad},
                                                                    {"stopped", Colour::faint}}};
  for (const auto& [name, colour] : colours)
    if (state == name) return colour;
  return Colour::none;
}

Table::Table(const std::vector<std::string>& titles) {
  for (const std::string& title : titles) {
    right_.push_back(title.front() == '>');
    titles_.push_back(title.substr(right_.back() ? 1 : 0));
  }
}

void Table::add(std::vector<Cell> row) {
  for (Cell& cell : row) cell.text = printable(cell.text);
  rows_.push_back(std::move(row));
}

std::string Table::text(const Terminal& terminal) const {
  std::vector<size_t> shown;
  std::vector<size_t> width;
  for (size_t c = 0; c < titles_.size(); ++c) {
    size_t widest = 0;
    for (const auto& row : rows_) widest = std::max(widest, columns(row.at(c).text));
    if (widest == 0) continue;
    shown.push_back(c);
    width.push_back(std::max(widest, columns(titles_[c])));
  }
  const auto line = [&](const auto& cell_at, bool title) {
    std::string out;
    size_t used = 0;
    for (size_t i = 0; i < shown.size(); ++i) {
      Cell cell = cell_at(shown[i]);
      const bool last = i + 1 == shown.size();
      if (last && terminal.width > used + 8) cell.text = cut(cell.text, terminal.width - used);
      const size_t taken = columns(cell.text);
      const std::string pad(width[i] > taken ? width[i] - taken : 0, ' ');
      const std::string painted = terminal.paint(title ? Colour::bold : cell.colour, cell.text);
      out += right_[shown[i]] ? pad + painted : painted + (last ? "" : pad);
      if (!last) out += "  ";
      used += width[i] + 2;
    }
    out.erase(out.find_last_not_of(' ') + 1);
    return out + "\n";
  };
  std::string out = line([&](size_t c) { return Cell(titles_[c]); }, true);
  for (const auto& row : rows_) out += line([&](size_t c) { return row[c]; }, false);
  return out;
}

void Paragraphs::add(const std::string& name, const std::string& text) {
  rows_.emplace_back(printable(name), printable(text));
}

std::string Paragraphs::text(const Terminal& terminal) const {
  constexpr size_t narrowest = 20;
  size_t indent = 0;
  for (const auto& [name, text] : rows_) indent = std::max(indent, columns(name) + 2);
  const size_t room = terminal.width > indent + narrowest ? terminal.width - indent : SIZE_MAX;
  std::string out;
  for (const auto& [name, text] : rows_) {
    out += name + std::string(indent - columns(name), ' ');
    size_t used = 0;
    for (size_t at = 0; at < text.size();) {
      const size_t end = std::min(text.find(' ', at), text.size());
      const std::string word = text.substr(at, end - at);
      const size_t width = columns(word);
      if (used != 0 && used + 1 + width > room) {
        out += "\n" + std::string(indent, ' ');
        used = 0;
      }
      out += (used == 0 ? "" : " ") + word;
      used += width + (used == 0 ? 0 : 1);
      at = end + 1;
    }
    out += "\n";
  }
  return out;
}

}  // namespace dtuctl
