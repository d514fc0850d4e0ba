#include "plugins/loader/types.hpp"

#include <dtu/abi.h>
#include <elf.h>
#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <array>
#include <cerrno>
#include <cstring>
#include <optional>
#include <system_error>
#include <type_traits>

namespace dtud::plugins {
namespace {

constexpr std::string_view section_name = "dtu_types";
constexpr uint64_t list_max = 4096;     // bytes of the section
constexpr uint64_t sections_max = 512;  // a shared object has some forty

constexpr std::array<std::string_view, 4> kinds{"", "channel", "hal", "command"};
static_assert(DTU_KIND_CHANNEL == 1 && DTU_KIND_HAL == 2 && DTU_KIND_COMMAND == 3);

// A file of which any piece may be asked for and none is believed to be there.
class File {
 public:
  explicit File(const std::filesystem::path& path)
      : fd_(open(path.c_str(), O_RDONLY | O_CLOEXEC | O_NONBLOCK)) {  // a FIFO must not hold us up
    struct stat st = {};
    if (fd_ < 0 || fstat(fd_, &st) != 0)
      error_ = std::generic_category().message(errno);
    else if (!S_ISREG(st.st_mode))
      error_ = "it is not a regular file";
    else
      size_ = static_cast<uint64_t>(st.st_size);
  }
  File(const File&) = delete;
  File& operator=(const File&) = delete;
  ~File() {
    if (fd_ >= 0) close(fd_);
  }
  [[nodiscard]] const std::string& error() const { return error_; }
  [[nodiscard]] bool read(uint64_t at, void* into, uint64_t len) const {
    return at <= size_ && len <= size_ - at &&
           pread(fd_, into, len, static_cast<off_t>(at)) == static_cast<ssize_t>(len);
  }
  [[nodiscard]] bool has(uint64_t at, uint64_t len) const { return at <= size_ && len <= size_ - at; }
  template <typename T>
  [[nodiscard]] bool read(uint64_t at, T& into) const {
    static_assert(std::is_trivially_copyable_v<T>);
    return read(at, &into, sizeof into);
  }

 private:
  int fd_;
  uint64_t size_ = 0;
  std::string error_;
};

struct Elf64 {
  using Header = Elf64_Ehdr;
  using Segment = Elf64_Phdr;
  using Section = Elf64_Shdr;
};
struct Elf32 {
  using Header = Elf32_Ehdr;
  using Segment = Elf32_Phdr;
  using Section = Elf32_Shdr;
};

// Everything the headers speak of is there. The linker does not check: a file cut short ends the process in dlopen.
template <typename Elf>
bool is_whole(const File& file, const typename Elf::Header& header) {
  using Segment = typename Elf::Segment;
  if (!file.has(header.e_shoff, uint64_t{header.e_shnum} * header.e_shentsize)) return false;
  if (header.e_phnum != 0 && header.e_phentsize != sizeof(Segment)) return false;
  if (!file.has(header.e_phoff, uint64_t{header.e_phnum} * sizeof(Segment))) return false;
  for (uint64_t i = 0; i < header.e_phnum; ++i) {
    Segment s{};
    if (!file.read(header.e_phoff + i * sizeof(Segment), s)) return false;
    if (s.p_type == PT_LOAD && !file.has(s.p_offset, s.p_filesz)) return false;
  }
  return true;
}

// The text of the section, nothing when there is none. What does not fit into the file counts as not there.
template <typename Elf>
std::optional<std::string> section_text(const File& file, const typename Elf::Header& header) {
  using Section = typename Elf::Section;
  const uint64_t table = header.e_shoff;
  const uint64_t count = header.e_shnum;
  if (header.e_shentsize != sizeof(Section) || count > sections_max || header.e_shstrndx >= count) return {};
  const auto section = [&](uint64_t i, Section& into) {
    return table <= UINT64_MAX - i * sizeof(Section) && file.read(table + i * sizeof(Section), into);
  };
  Section names{};
  if (!section(header.e_shstrndx, names)) return {};
  for (uint64_t i = 0; i < count; ++i) {
    Section s{};
    std::array<char, section_name.size() + 1> name{};
    if (!section(i, s)) return {};
    if (s.sh_type != SHT_PROGBITS || s.sh_name >= names.sh_size) continue;
    if (names.sh_offset > UINT64_MAX - s.sh_name || !file.read(uint64_t{names.sh_offset} + s.sh_name, name)) continue;
    if (std::memcmp(name.data(), section_name.data(), section_name.size()) != 0 || name.back() != '\0') continue;
    if (s.sh_size > list_max) return {};
    std::string text(s.sh_size, '\0');
    if (!file.read(s.sh_offset, text.data(), text.size())) return {};
    return text;
  }
  return {};
}

// "channel:mqtt hal:x key:modbus"; several object files' lists follow one another with NULs between. False when
// malformed.
bool split_types(const std::string& text, DeclaredTypes& out) {
  size_t at = 0;
  while (at < text.size()) {
    const size_t begin = text.find_first_not_of(std::string_view(" \0", 2), at);
    if (begin == std::string::npos) break;
    at = std::min(text.find_first_of(std::string_view(" \0", 2), begin), text.size());
    const std::string_view word = std::string_view(text).substr(begin, at - begin);
    const size_t colon = word.find(':');
    if (colon == std::string_view::npos) return false;
    const std::string_view kind = word.substr(0, colon), name = word.substr(colon + 1);
    if (kind == "key" ? !is_key_name(name) : !is_type_name(kind) || !is_type_name(name)) return false;
    if (kind == "key")
      out.keys.emplace_back(name);
    else
      out.types.emplace_back(word);
  }
  return !out.types.empty();
}

// Headers of the program that is running: what a plugin must match.
struct Machine {
  std::array<unsigned char, EI_NIDENT> ident{};
  uint16_t type = 0, machine = 0;  // e_type and e_machine are at the same place in both classes
};

std::string mismatch(const Machine& theirs) {
  Machine ours;
  const File self("/proc/self/exe");
  if (!self.read(0, ours)) return {};  // let the linker say it
  if (theirs.ident[EI_CLASS] == ours.ident[EI_CLASS] && theirs.ident[EI_DATA] == ours.ident[EI_DATA] &&
      theirs.machine == ours.machine)
    return {};
  return "is built for another processor (ELF class " + std::to_string(theirs.ident[EI_CLASS]) + ", machine " +
         std::to_string(theirs.machine) + "; this dtud is class " + std::to_string(ours.ident[EI_CLASS]) +
         ", machine " + std::to_string(ours.machine) + "): get a build for this board";
}

}  // namespace

bool is_type_name(std::string_view name) {
  return !name.empty() && name.size() <= 32 &&
         name.find_first_not_of("abcdefghijklmnopqrstuvwxyz0123456789-") == std::string_view::npos;
}

bool is_key_name(std::string_view name) {
  return !name.empty() && name.size() <= 64 &&
         name.find_first_not_of("ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789_") ==
             std::string_view::npos;
}

std::string_view kind_name(uint32_t kind) { return kind < kinds.size() ? kinds[kind] : ""; }

std::string full_type(uint32_t kind, std::string_view type) {
  return std::string(kind_name(kind)) + ":" + std::string(type);
}

DeclaredTypes read_types(const std::filesystem::path& path) {
  DeclaredTypes out;
  const auto refuse = [&](const std::string& why) {
    out.refusal = path.string() + ": " + why;
    return out;
  };
  const File file(path);
  if (!file.error().empty()) return refuse("cannot be read: " + file.error());
  Machine machine;
  if (!file.read(0, machine) || std::memcmp(machine.ident.data(), ELFMAG, SELFMAG) != 0)
    return refuse("is not a shared object (no ELF header): remove it or install the plugin again");
  if (const std::string why = mismatch(machine); !why.empty()) return refuse(why);
  if (machine.type != ET_DYN) return refuse("is an ELF file but not a shared object: link it with -shared");

  std::optional<std::string> text;
  bool whole = false;
  const auto read = [&](auto elf) {
    using Elf = decltype(elf);
    typename Elf::Header header{};
    whole = file.read(0, header) && is_whole<Elf>(file, header);
    if (whole) text = section_text<Elf>(file, header);
  };
  if (machine.ident[EI_CLASS] == ELFCLASS64)
    read(Elf64{});
  else
    read(Elf32{});
  if (!whole) return refuse("is cut short: install the plugin again");
  out.verdict = DeclaredTypes::Verdict::declared;
  if (!text || !split_types(*text, out)) {
    out.types.clear();
    out.keys.clear();
    out.verdict = DeclaredTypes::Verdict::undeclared;
  }
  return out;
}

}  // namespace dtud::plugins
