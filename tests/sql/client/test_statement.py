"""
Tests for statements with named values.
"""

from __future__ import annotations

from hypothesis import given, strategies as st

from twisted.trial.unittest import SynchronousTestCase

from mycred._sql.client import BadStatement, BadValue, parametersIn
from mycred._sql.client._statement import spell

DIALECTS = ("sqlite", "postgresql", "mysql", "other")
STYLES = ("named", "pyformat", "format", "qmark", "numeric")


class ParameterTests(SynchronousTestCase):
    """
    Tests for L{parametersIn}.
    """

    def has(
        self, statement: str, *names: str, dialects: tuple[str, ...] = DIALECTS
    ) -> None:
        """
        Assert that these are the names in a statement, for each dialect.
        """
        for dialect in dialects:
            self.assertEqual(parametersIn(statement, dialect), set(names), dialect)

    def test_names(self) -> None:
        """
        Each C{:name} is one, however often it comes.
        """
        self.has(
            "select :a, :a_1 from t where b=:B and c in(:c,:a)", *("a", "a_1", "B", "c")
        )

    def test_nothingElse(self) -> None:
        """
        Casts, assignments, slices and times of day aren't names.
        """
        self.has("select x::text, y := 1, a[1:2], a[i:j], 12:30 from t")
        self.has("select :a::text", "a")

    def test_quotes(self) -> None:
        """
        Nothing within quotes is a name, however the quotes are written.
        """
        self.has("select ':a', 'it''s :b', \":c\", 'x:y'")
        self.has("select `:a`", dialects=("mysql", "sqlite"))
        self.has(
            r"select E'\':a', $$:b$$, $x$:c $$ :d$x$, :e", "e", dialects=("postgresql",)
        )
        self.has("select ':a', :b, ':c", "b")

    def test_comments(self) -> None:
        """
        Nothing within comments is a name.
        """
        self.has("select 1 -- :a\n, :b /* :c\n:d */ , :e -- :f", "b", "e")
        self.has("select 1 # :a\n, :b", "b", dialects=("mysql",))

    def test_ambiguous(self) -> None:
        """
        MySQL's quotes with a backslash before a quote are refused: whether they end there
        is for the server's settings to say.
        """
        for statement in (r"select '\' or :a'", r"select '\\', :a", r'select "\" :a"'):
            with self.assertRaisesRegex(BadStatement, "write ''"):
                parametersIn(statement, "mysql")
        self.has(r"select 'a\b', :a", "a", dialects=("mysql",))

    @given(st.text(alphabet="':a\"`-/*#$\\\n %[]"), st.sampled_from(DIALECTS))
    def test_anything(self, statement: str, dialect: str) -> None:
        """
        No text raises anything but L{BadStatement}, and one that is spelled with names is
        what it was.
        """
        try:
            names = parametersIn(statement, dialect)
        except BadStatement:
            return
        spelled = spell(statement, dialect, "named")
        self.assertEqual(spelled.text, statement)
        self.assertEqual(set(spelled.names), names)


class SpellTests(SynchronousTestCase):
    """
    Tests for L{spell}.
    """

    def test_styles(self) -> None:
        """
        Values are spelled as each driver wants them, percent signs included.
        """
        spelled = {
            style: spell("select :a, ':a', :b, :a like '%'", "other", style).text
            for style in STYLES
        }
        self.assertEqual(
            spelled,
            {
                "named": "select :a, ':a', :b, :a like '%'",
                "pyformat": "select %(a)s, ':a', %(b)s, %(a)s like '%%'",
                "format": "select %s, ':a', %s, %s like '%%'",
                "qmark": "select ?, ':a', ?, ? like '%'",
                "numeric": "select :1, ':a', :2, :3 like '%'",
            },
        )

    def test_bind(self) -> None:
        """
        Values are bound by name or in order, and others are left out.
        """
        values = {"a": 1, "b": "x", "c": None}
        for style in STYLES:
            bound = spell(":b :a :b", "other", style).bind(values)
            isByName = style in ("named", "pyformat")
            self.assertEqual(bound, {"a": 1, "b": "x"} if isByName else ["x", 1, "x"])

    def test_missing(self) -> None:
        """
        A value that is missing is an error of the statement.
        """
        with self.assertRaisesRegex(BadStatement, ":b"):
            spell(":a :b", "other", "qmark").bind({"a": 1})

    def test_noText(self) -> None:
        """
        A text that no database can hold is no value.
        """
        spelled = spell(":a", "other", "named")
        for text in ("a\0", "\ud800", "a\udcff"):
            with self.assertRaises(BadValue):
                spelled.bind({"a": text})
        self.assertEqual(spelled.bind({"a": "\U0001f600é"}), {"a": "\U0001f600é"})
