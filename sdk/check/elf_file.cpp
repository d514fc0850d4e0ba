#include "elf_file.hpp"

#include <elf.h>
#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cerrno>
#include <cstring>
#include <string_view>
#include <system_error>
#include <type_traits>

namespace dtu::check {
namespace {

constexpr off_t file_max = off_t{1} << 30U;

struct Elf32 {
  using Header = Elf32_Ehdr;
  using Segment = Elf32_Phdr;
  using Section = Elf32_Shdr;
  using Symbol = Elf32_Sym;
  using Dynamic = Elf32_Dyn;
};
struct Elf64 {
  using Header = Elf64_Ehdr;
  using Segment = Elf64_Phdr;
  using Section = Elf64_Shdr;
  using Symbol = Elf64_Sym;
  using Dynamic = Elf64_Dyn;
};

// The whole file in memory, or why not.
std::string read_whole(const std::string& path, std::string& bytes) {
  const int fd = ::open(path.c_str(), O_RDONLY | O_CLOEXEC | O_NONBLOCK);  // a FIFO must not hold us up
  if (fd < 0) return "it cannot be read: " + std::generic_category().message(errno);
  std::string why;
  struct stat st = {};
  if (::fstat(fd, &st) != 0 || !S_ISREG(st.st_mode)) {
    why = "it is not a regular file";
  } else if (st.st_size > file_max) {
    why = "it is larger than 1 GiB";
  } else {
    bytes.resize(static_cast<size_t>(st.st_size));
    size_t at = 0;
    for (ssize_t n = 1; at < bytes.size() && n > 0; at += static_cast<size_t>(n > 0 ? n : 0))
      n = ::read(fd, bytes.data() + at, bytes.size() - at);
    if (at != bytes.size()) why = "it cannot be read to its end";
  }
  ::close(fd);
  return why;
}

template <typename Elf>
class Reader {
 public:
  using Section = typename Elf::Section;
  Reader(const std::string& bytes, ElfFacts& facts) : bytes_(bytes), facts_(facts) {}

  bool read() {
    typename Elf::Header h{};
    if (!get(0, h) || h.e_shentsize != sizeof(Section) || h.e_phentsize != sizeof(typename Elf::Segment)) return false;
    for (unsigned k = 0; k < h.e_phnum; ++k)
      if (!segment(h.e_phoff + uint64_t{k} * h.e_phentsize)) return false;
    for (unsigned k = 0; k < h.e_shnum; ++k) {
      Section s{};
      if (!get(h.e_shoff + uint64_t{k} * h.e_shentsize, s)) return false;
      sections_.push_back(s);
    }
    if (h.e_shstrndx >= sections_.size()) return false;
    for (const Section& s : sections_) section(s, sections_[h.e_shstrndx]);
    return true;
  }

 private:
  template <typename T>
  bool get(uint64_t at, T& into) const {
    static_assert(std::is_trivially_copyable_v<T>);
    if (at > bytes_.size() || sizeof into > bytes_.size() - at) return false;
    std::memcpy(&into, bytes_.data() + at, sizeof into);
    return true;
  }
  [[nodiscard]] std::string text(const Section& strings, uint64_t at) const {
    if (at >= strings.sh_size || strings.sh_offset > bytes_.size()) return {};
    const std::string_view rest = std::string_view(bytes_).substr(strings.sh_offset).substr(at);
    return std::string(rest.substr(0, rest.find('\0')));
  }
  bool segment(uint64_t at) {
    typename Elf::Segment s{};
    if (!get(at, s)) return false;
    if (s.p_type == PT_GNU_STACK && (s.p_flags & PF_X) != 0) facts_.executable_stack = true;
    return s.p_type != PT_LOAD || (s.p_offset <= bytes_.size() && s.p_filesz <= bytes_.size() - s.p_offset);
  }
  void section(const Section& s, const Section& names) {
    if (s.sh_type == SHT_DYNSYM && s.sh_link < sections_.size()) symbols(s, sections_[s.sh_link]);
    if (s.sh_type == SHT_DYNAMIC && s.sh_link < sections_.size()) dynamic(s, sections_[s.sh_link]);
    if (text(names, s.sh_name) == "dtu_types" && s.sh_offset <= bytes_.size())
      facts_.types = bytes_.substr(s.sh_offset, s.sh_size);
  }
  void symbols(const Section& s, const Section& strings) {
    for (uint64_t at = sizeof(typename Elf::Symbol); at + sizeof(typename Elf::Symbol) <= s.sh_size;
         at += sizeof(typename Elf::Symbol)) {
      typename Elf::Symbol symbol{};
      if (!get(s.sh_offset + at, symbol)) return;
      const std::string name = text(strings, symbol.st_name);
      const unsigned binding = symbol.st_info >> 4U;
      const unsigned type = symbol.st_info & 15U;
      if (name.empty() || binding == STB_LOCAL || type == STT_SECTION) continue;
      if (symbol.st_shndx == SHN_UNDEF)
        facts_.undefined.push_back(name);
      else if (symbol.st_shndx != SHN_ABS)  // names of versions
        facts_.exports.push_back(name);
      if (binding == STB_GNU_UNIQUE && symbol.st_shndx != SHN_UNDEF) facts_.unique.push_back(name);
    }
  }
  void dynamic(const Section& s, const Section& strings) {
    for (uint64_t at = 0; at + sizeof(typename Elf::Dynamic) <= s.sh_size; at += sizeof(typename Elf::Dynamic)) {
      typename Elf::Dynamic d{};
      if (!get(s.sh_offset + at, d) || d.d_tag == DT_NULL) return;
      if (d.d_tag == DT_TEXTREL || (d.d_tag == DT_FLAGS && (d.d_un.d_val & DF_TEXTREL) != 0))
        facts_.text_relocations = true;
      if (d.d_tag == DT_NEEDED) facts_.needed.push_back(text(strings, d.d_un.d_val));
      if (d.d_tag == DT_RPATH || d.d_tag == DT_RUNPATH) places(text(strings, d.d_un.d_val));
    }
  }
  void places(const std::string& path) {
    for (size_t at = 0; at <= path.size();) {
      const size_t end = std::min(path.find(':', at), path.size());
      facts_.runpath.push_back(path.substr(at, end - at));
      at = end + 1;
    }
  }

  const std::string& bytes_;
  ElfFacts& facts_;
  std::vector<Section> sections_;
};

struct Machine {
  unsigned char ident[EI_NIDENT];
  uint16_t type, machine;  // at the same place in both classes
};

Machine machine_of(const std::string& bytes) {
  Machine m{};
  if (bytes.size() >= sizeof m) std::memcpy(&m, bytes.data(), sizeof m);
  return m;
}

std::string own_header() {
  std::string bytes(sizeof(Machine), '\0');
  const int fd = ::open("/proc/self/exe", O_RDONLY | O_CLOEXEC);
  if (fd < 0 || ::read(fd, bytes.data(), bytes.size()) != static_cast<ssize_t>(bytes.size())) bytes.clear();
  if (fd >= 0) ::close(fd);
  return bytes;
}

}  // namespace

ElfFacts read_elf(const std::string& file) {
  ElfFacts facts;
  std::string bytes;
  facts.trouble = read_whole(file, bytes);
  if (!facts.trouble.empty()) return facts;
  const Machine theirs = machine_of(bytes);
  const Machine ours = machine_of(own_header());
  if (std::memcmp(theirs.ident, ELFMAG, SELFMAG) != 0)
    facts.trouble = "it is not an ELF file";
  else if (theirs.ident[EI_CLASS] != ours.ident[EI_CLASS] || theirs.ident[EI_DATA] != ours.ident[EI_DATA] ||
           theirs.machine != ours.machine)
    facts.trouble = "it is for another processor (ELF machine " + std::to_string(theirs.machine) + ", this is " +
                    std::to_string(ours.machine) + "): run the dtu-plugin-check of that board";
  else if (theirs.type != ET_DYN)
    facts.trouble = "it is not a shared object: link it with -shared";
  if (!facts.trouble.empty()) return facts;
  const bool whole =
      theirs.ident[EI_CLASS] == ELFCLASS64 ? Reader<Elf64>(bytes, facts).read() : Reader<Elf32>(bytes, facts).read();
  if (!whole) {
    facts = {};
    facts.trouble = "it is cut short or its headers are damaged";
  }
  return facts;
}

}  // namespace dtu::check
