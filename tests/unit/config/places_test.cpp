// Where an installation has its parts, wherever it was moved to.
#include "config/places.hpp"

#include <gtest/gtest.h>

#include <fstream>
#include <stdexcept>

namespace dtud::config {
namespace {
namespace fs = std::filesystem;

constexpr char kLibdir[] = PLACES_LIBDIR, kLibexecdir[] = PLACES_LIBEXECDIR;

struct Places : testing::Test {
  fs::path root, program;

  Places() {
    std::string name = (fs::temp_directory_path() / "places.XXXXXX").string();
    if (::mkdtemp(name.data()) == nullptr) throw std::runtime_error("mkdtemp failed");
    root = name;
    program = root / "bin" / "dtud";
  }
  ~Places() override {
    std::error_code ignored;
    fs::remove_all(root, ignored);
  }
  static void make(const fs::path& file) {
    fs::create_directories(file.parent_path());
    std::ofstream(file) << "x";
  }
};

TEST_F(Places, PluginsAreWhereTheProgramWasMovedTo) {
  EXPECT_NE(library_folder(program), root / kLibdir) << "nothing is there yet";
  EXPECT_TRUE(library_folder(program).is_absolute());
  fs::create_directories(root / kLibdir / "dtukit");
  EXPECT_EQ(library_folder(program), root / kLibdir);
}

TEST_F(Places, AnUnknownProgramHasTheConfiguredFolders) {
  EXPECT_TRUE(library_folder("").is_absolute());
  EXPECT_EQ(library_folder("dtud"), library_folder("")) << "what is beside a relative path is not looked at";
  EXPECT_TRUE(child_program("", "dtu-fetch").is_absolute());
}

TEST_F(Places, AChildIsBesideTheProgramThenInLibexec) {
  EXPECT_EQ(child_program(program, "dtu-fetch"), child_program("", "dtu-fetch"));
  make(root / kLibexecdir / "dtukit" / "dtu-fetch");
  EXPECT_EQ(child_program(program, "dtu-fetch"), root / kLibexecdir / "dtukit" / "dtu-fetch");
  EXPECT_NE(child_program(program, "dtu-other").parent_path(), root / kLibexecdir / "dtukit");
  make(root / "bin" / "dtu-fetch");
  EXPECT_EQ(child_program(program, "dtu-fetch"), root / "bin" / "dtu-fetch");
}

TEST(OwnProgram, IsThisTest) { EXPECT_EQ(own_program().filename(), "test-config"); }

}  // namespace
}  // namespace dtud::config
