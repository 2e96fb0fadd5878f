"""
Tests for L{mycred._inifile}: sections with keys and values.
"""

from __future__ import annotations

from configparser import ConfigParser, Error

from hypothesis import given, settings, strategies as st

from twisted.trial.unittest import SynchronousTestCase

from mycred._inifile import Line, parseIni

LINES = (
    *("[a]", "[b]", "[a] # why", "x = 1", " x = 1", "  x=2", "y = 3 # no comment", "Y ="),
    *(
        " more",
        "\tmore = of it",
        "   even more",
        "# what",
        " ; what",
        "",
        "  ",
        "=",
        "[",
        "x",
    ),
)


def byConfigParser(text: str) -> dict[str, dict[str, str]] | None:
    """
    Return what C{configparser} reads; L{None} if it can't.
    """
    parser = ConfigParser(interpolation=None, delimiters=("=",), default_section="")
    try:
        parser.read_string(text)
    except Error:
        return None
    return {
        name: {key: "\n".join(filter(None, v.split("\n"))) for key, v in section.items()}
        for name, section in parser.items()
        if name
    }


class ParseIniTests(SynchronousTestCase):
    """
    Tests for L{parseIni}.
    """

    def test_numbers(self) -> None:
        """
        It is known in which line a section, a key, and each line of a value stands.
        """
        section = parseIni("# x\n[a]\n\nKey = 1\n  # x\n\n  2 = 3\n").sections["a"]
        self.assertEqual(section.number, 2)
        entry = section.entries["key"]
        self.assertEqual(entry.number, 4)
        self.assertEqual(entry.lines, [Line(4, "1"), Line(7, "2 = 3")])
        self.assertEqual(entry.text, "1\n2 = 3")

    def test_mistakes(self) -> None:
        """
        All mistakes are told, and none of them twice for the lines that go on with it.
        """
        text = "x = 1\n y = 2\n[a]\nx\n y\n= z\nx = 1\nX = 2\n  3\n[a]\n[b] c\n"
        file = parseIni(text)
        self.assertEqual([line.number for line in file.mistakes], [1, 4, 6, 8, 10, 11])
        self.assertEqual(file.sections["a"].entries["x"].text, "1")

    @settings(max_examples=300)
    @given(st.lists(st.sampled_from(LINES), max_size=12).map("\n".join))
    def test_configparser(self, text: str) -> None:
        """
        What has no mistake is what C{configparser} reads.
        """
        file = parseIni(text)
        found = {
            name: {key: entry.text for key, entry in section.entries.items()}
            for name, section in file.sections.items()
        }
        if not file.mistakes:
            self.assertEqual(found, byConfigParser(text))

    @given(st.text())
    def test_anything(self, text: str) -> None:
        """
        Any text is read, and its mistakes are in lines that there are.
        """
        file = parseIni(text)
        most = text.replace("\r", "\n").count("\n") + 1
        self.assertTrue(all(1 <= line.number <= most for line in file.mistakes))
