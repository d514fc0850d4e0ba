"""What takes the blocks out of docs/plugin-guide.md, over small pages."""
import pathlib
import subprocess
import sys
import tempfile
import unittest

TOOL = pathlib.Path(__file__).resolve().parent / "snippets.py"


class Snippets(unittest.TestCase):
    def setUp(self):
        folder = tempfile.TemporaryDirectory()
        self.addCleanup(folder.cleanup)
        self.page = pathlib.Path(folder.name).resolve() / "page.md"
        self.out = self.page.parent / "out"

    def run_it(self, text):
        self.page.write_text(text, encoding="utf-8")
        return subprocess.run([sys.executable, "-B", TOOL, self.page, self.out], text=True, capture_output=True, timeout=30,
                              check=False)

    def refused(self, text, words):
        ran = self.run_it(text)
        self.assertEqual(ran.returncode, 1)
        self.assertIn(words, ran.stderr)

    def test_blocks_are_taken_with_the_line_they_stand_on(self):
        ran = self.run_it("# Page\n\n```c\nint a;\nint b;\n```\nwords\n```sh\nls\n```\n```cpp plugin=my-echo\nint c;\n```\n")
        self.assertEqual(ran.returncode, 0, ran.stderr)
        self.assertEqual(ran.stdout, f"snippet {self.out}/snippet-1.c\nplugin my-echo {self.out}/my-echo.cpp\n")
        self.assertEqual((self.out / "snippet-1.c").read_text(), f'#line 4 "{self.page}"\nint a;\nint b;\n')
        self.assertEqual((self.out / "my-echo.cpp").read_text(), f'#line 12 "{self.page}"\nint c;\n')

    def test_what_left_the_page_leaves_the_folder_and_what_stayed_is_not_touched(self):
        self.run_it("```c\nint a;\n```\n```c\nint b;\n```\n")
        before = (self.out / "snippet-1.c").stat().st_mtime_ns
        self.run_it("```c\nint a;\n```\n")
        self.assertEqual([file.name for file in self.out.iterdir()], ["snippet-1.c"])
        self.assertEqual((self.out / "snippet-1.c").stat().st_mtime_ns, before)

    def test_mistakes_are_named_with_their_line(self):
        self.refused("```c\nint a;\n", "page.md:1: this block never ends")
        self.refused("\n```c plugn=x\nint a;\n```\n", 'page.md:2: "plugn=x" is nothing a block can be')
        self.refused("```sh plugin=x\nls\n```\n", "nothing a block can be")
        self.refused("```c plugin=X\n```\n", "nothing a block can be")
        self.refused("```c plugin=x\n```\n```c plugin=x\n```\n", "there is a plugin x already")
        self.refused("```sh\nls\n```\n", "has no block of c or cpp")
        self.refused("only words", "has no block of c or cpp")


if __name__ == "__main__":
    unittest.main()
