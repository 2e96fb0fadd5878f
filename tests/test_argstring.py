"""
Tests for L{mycred._argstring}.
"""

from __future__ import annotations

import re
from collections.abc import Callable
from typing import Any

from hypothesis import given, settings, strategies as st

from twisted.trial.unittest import SynchronousTestCase

from mycred._argstring import nonEmpty, parseArgString, yesNo
from mycred.strcred import InvalidAuthArgumentString

patient = settings(deadline=None, database=None)


def number(text: str) -> int:
    """
    Read a whole number.
    """
    if not re.fullmatch("[0-9]{1,9}", text):
        raise ValueError("write a whole number")
    return int(text)


def escaped(value: str) -> str:
    """
    Write a value so that nothing in it is taken for a separator.
    """
    return re.sub(r"([:=\\])", r"\\\1", value)


keys: dict[str, Callable[[str], Any]] = {
    "path": nonEmpty,
    "base": str,
    "timeout": number,
    "weak": yesNo,
}


class ArgStringTestCase(SynchronousTestCase):
    """
    Base of the tests for L{parseArgString}.
    """

    def parse(
        self,
        argstring: str,
        positional: tuple[str, ...] = ("path", "base"),
        required: tuple[str, ...] = (),
    ) -> dict[str, Any]:
        """
        Read an argument string.
        """
        return parseArgString(argstring, keys, positional, required)

    def refusal(self, argstring: str, **options: tuple[str, ...]) -> str:
        """
        Return what a deployer is told about a wrong argument string.
        """
        error = self.assertRaises(
            InvalidAuthArgumentString, self.parse, argstring, **options
        )
        return str(error)


class ReadingTests(ArgStringTestCase):
    """
    Tests for argument strings that are right.
    """

    def test_positional(self) -> None:
        """
        Values without names are taken in the order that the type gives them.
        """
        self.assertEqual(self.parse("/etc/a"), {"path": "/etc/a"})
        self.assertEqual(self.parse("/etc/a:b"), {"path": "/etc/a", "base": "b"})

    def test_keys(self) -> None:
        """
        Values with names are taken in any order, each read in its own way.
        """
        self.assertEqual(
            self.parse("weak=yes:timeout=10:path=/etc/a"),
            {"path": "/etc/a", "timeout": 10, "weak": True},
        )

    def test_mixed(self) -> None:
        """
        A value without a name goes to the first name that is still free.
        """
        self.assertEqual(
            self.parse("path=/etc/a:b:weak=no"),
            {"path": "/etc/a", "base": "b", "weak": False},
        )

    def test_equalsInValue(self) -> None:
        """
        After the key, an equals sign belongs to the value: LDAP's names need no
        escaping.
        """
        self.assertEqual(
            self.parse("base=ou=people,dc=example,dc=org"),
            {"base": "ou=people,dc=example,dc=org"},
        )

    def test_escapedColon(self) -> None:
        """
        A colon is written with a backslash before it.
        """
        self.assertEqual(self.parse(r"C\:/passwd"), {"path": "C:/passwd"})
        self.assertEqual(self.parse(r"base=a\:b\:"), {"base": "a:b:"})

    def test_escapedBackslash(self) -> None:
        r"""
        A backslash is written twice, and doesn't escape what follows then.
        """
        self.assertEqual(self.parse(r"C\:\\a"), {"path": "C:\\a"})
        self.assertEqual(self.parse(r"a\\:b"), {"path": "a\\", "base": "b"})

    def test_escapedEquals(self) -> None:
        """
        A value without a name may hold an equals sign, with a backslash before
        it.
        """
        self.assertEqual(self.parse(r"/etc/a\=b"), {"path": "/etc/a=b"})

    def test_lastBackslash(self) -> None:
        """
        A backslash at the very end stands for itself.
        """
        self.assertEqual(self.parse("a\\"), {"path": "a\\"})

    def test_empty(self) -> None:
        """
        An empty string gives no values.
        """
        self.assertEqual(self.parse(""), {})

    def test_emptyValue(self) -> None:
        """
        A key may be given an empty value, where the type can use one.
        """
        self.assertEqual(self.parse("base="), {"base": ""})

    def test_required(self) -> None:
        """
        What must be given may be given with its name or without.
        """
        for argstring in ("/a", "path=/a"):
            values = self.parse(argstring, required=("path",))
            self.assertEqual(values, {"path": "/a"})


class RefusalTests(ArgStringTestCase):
    """
    Tests for what a deployer is told about a mistake.
    """

    def test_misspelledKey(self) -> None:
        """
        For an unknown key the one that was probably meant is suggested.
        """
        text = self.refusal("/etc/a:timout=10")
        self.assertEqual(text, "there is no timout=, did you mean timeout=?")

    def test_capitals(self) -> None:
        """
        So it is for one in capital letters.
        """
        text = self.refusal("/etc/a:TIMEOUT=10")
        self.assertEqual(text, "there is no TIMEOUT=, did you mean timeout=?")

    def test_secretKey(self) -> None:
        """
        What may be a secret, and not a key, isn't repeated.
        """
        text = self.refusal("/etc/a:hunter/2=x")
        self.assertNotIn("hunter", text)
        self.assertIn("timeout=", text)

    def test_space(self) -> None:
        """
        A space beside a key is told.
        """
        self.assertEqual(
            self.refusal("/etc/a: timeout=10"), "no space stands beside timeout="
        )

    def test_unknownKey(self) -> None:
        """
        Where no key is similar, all are named.
        """
        text = self.refusal("colour=blue")
        self.assertIn("there is no colour=", text)
        for key in keys:
            self.assertIn(f"{key}=", text)

    def test_duplicate(self) -> None:
        """
        A key that is given twice is named, however it is given.
        """
        for argstring in ("weak=no:weak=no", "base=a:base=b"):
            key = argstring.partition("=")[0]
            self.assertEqual(self.refusal(argstring), f"{key} is given twice")
        self.assertEqual(self.refusal("/a:path=/b"), "path is given twice")

    def test_missing(self) -> None:
        """
        What must be given and isn't is named.
        """
        text = self.refusal("", required=("path",))
        self.assertEqual(text, "path must be given")
        text = self.refusal("weak=no", required=("path", "base"))
        self.assertEqual(text, "path and base must be given")

    def test_surplus(self) -> None:
        """
        One value too many is answered with the keys that there are, and with
        how a colon is written.
        """
        text = self.refusal("a:b:hunter2")
        for key in keys:
            self.assertIn(f"{key}=", text)
        self.assertIn(r"\:", text)
        self.assertNotIn("hunter2", text)

    def test_keyAlone(self) -> None:
        """
        A key without a value is answered with how it is written with one.
        """
        for key, says in [("weak", "weak=no or weak=yes"), ("base", "base=VALUE")]:
            told = self.refusal(f"a:{key}", positional=("path",))
            self.assertEqual(told, f"{key} stands without a value, write {says}")

    def test_noPositional(self) -> None:
        """
        Where every value needs its key, one without is refused.
        """
        self.assertIn("without its key", self.refusal("a", positional=()))

    def test_unusableValue(self) -> None:
        """
        The text says which value can't be used and what would be right, and
        doesn't show the value, which may be a secret.
        """
        self.assertEqual(self.refusal("timeout=hunter2"), "timeout: write a whole number")
        self.assertEqual(self.refusal("weak=hunter2"), "weak: write yes or no")
        self.assertEqual(
            self.refusal("hunter2", positional=("weak",)), "weak: write yes or no"
        )

    def test_noCause(self) -> None:
        """
        Nor is the value shown by a traceback.
        """
        error = self.assertRaises(
            InvalidAuthArgumentString, self.parse, "timeout=hunter2"
        )
        self.assertIsNone(error.__cause__)
        self.assertTrue(error.__suppress_context__)

    def test_nonEmpty(self) -> None:
        """
        An empty value where something is needed is told.
        """
        for argstring in ("path=", ":base=a"):
            self.assertEqual(self.refusal(argstring), "path: a value is missing")

    def test_yesNo(self) -> None:
        """
        Nothing but C{yes} and C{no} switches something on or off.
        """
        for text in ("", "Yes", "true", "1", "no "):
            self.assertRaises(ValueError, yesNo, text)

    def test_programError(self) -> None:
        """
        A type whose own code breaks isn't taken for a mistake of the deployer's.
        """

        def broken(text: str) -> str:
            raise KeyError(text)

        self.assertRaises(KeyError, parseArgString, "a=1", {"a": broken})


class ArbitraryTests(ArgStringTestCase):
    """
    Whatever is typed is read or refused.
    """

    @patient
    @given(st.text() | st.text(":=\\abpthsewkn"))
    def test_anyText(self, argstring: str) -> None:
        """
        Arbitrary text ends as values of known keys or as a refusal.
        """
        try:
            values = self.parse(argstring)
        except InvalidAuthArgumentString:
            return
        self.assertLessEqual(set(values), set(keys))

    @patient
    @given(st.text(), st.text())
    def test_escaping(self, base: str, other: str) -> None:
        """
        A value that is written with backslashes arrives as it was meant,
        whatever is in it.
        """
        argstring = f"base={escaped(base)}:path={escaped(other)}x"
        self.assertEqual(self.parse(argstring), {"base": base, "path": other + "x"})
        argstring = f"x{escaped(other)}:{escaped(base)}"
        self.assertEqual(self.parse(argstring), {"path": "x" + other, "base": base})
