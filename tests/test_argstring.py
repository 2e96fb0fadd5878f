"""
Tests for L{mycred._argstring}.
"""

from __future__ import annotations

import os
import re
from collections.abc import Callable
from pathlib import Path
from typing import Any

from hypothesis import given, settings, strategies as st

from twisted.trial.unittest import SynchronousTestCase

from mycred._argstring import (
    Option,
    Options,
    integerBetween,
    namesLike,
    nonEmpty,
    parseArgString,
    readableFile,
    yesNo,
)
from mycred.strcred import InvalidAuthArgumentString

patient = settings(deadline=None, database=None)


def number(text: str) -> int:
    """
    Return a whole number.
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
        Return the values of an argument string.
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
            self.refusal("/etc/a: timeout=10"), "write timeout= without a space beside it"
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
            self.assertEqual(told, f"{key} has no value, write {says}")

    def test_noPositional(self) -> None:
        """
        Where every value needs its key, one without is refused.
        """
        self.assertIn("a value has no key", self.refusal("a", positional=()))

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


class OptionsTests(SynchronousTestCase):
    """
    Tests for L{Options}.
    """

    options = Options(
        Option("path", nonEmpty, "FILE", "The file.", required=True, positional=True),
        Option("names", namesLike("a,b"), "NAME,NAME", "Some names.", required=True),
        Option("size", integerBetween(1, 300, "a size"), "N", "The size.", default=7),
        Option("weak", yesNo, "no", "Refuses " + "much " * 30 + "of it."),
    )

    def test_parse(self) -> None:
        """
        Values that are given come back by their keys, with defaults for others.
        """
        for argstring in ("/a:names=b,c", "path=/a:names=b,c", "names=b,c:/a"):
            self.assertEqual(
                self.options.parse(argstring),
                {"path": "/a", "names": ("b", "c"), "size": 7},
            )
        given = self.options.parse("/a:names=b:size=8:weak=no")
        self.assertEqual(given, {"path": "/a", "names": ("b",), "size": 8, "weak": False})

    def test_wrong(self) -> None:
        """
        Messages come from the table.
        """
        for argstring, says in [
            ("", "path and names must be given"),
            ("/a", "names must be given"),
            ("/a:nmes=b", "there is no nmes=, did you mean names=?"),
            ("/a:names=b:size", "size has no value, write size=N"),
            ("/a:names=b:weak", "write weak=no or weak=yes"),
            ("/a:names=b:size=x", "size: write a size"),
            ("/a:x", "write one of path=, names=, size=, weak="),
        ]:
            with self.subTest(argstring):
                error = self.assertRaises(
                    InvalidAuthArgumentString, self.options.parse, argstring
                )
                self.assertIn(says, str(error))

    def test_format(self) -> None:
        """
        The format has each option as it is written, in brackets if it may be left out,
        unless the plugin has one of its own.
        """
        self.assertEqual(self.options.format, "FILE:names=NAME,NAME[:size=N][:weak=no]")
        self.assertEqual(Options(*list(self.options)[2:]).format, "[size=N][:weak=no]")
        self.assertEqual(Options(format="Any text.").format, "Any text.")

    def test_help(self) -> None:
        """
        Help has a paragraph for each option, in lines that fit.
        """
        text = self.options.help("    Before.\n\n    Still.", "After.")
        self.assertTrue(
            text.startswith("Before.\n\nStill.\n\n[path=]FILE\n    The file.\n")
        )
        self.assertIn("\n\nsize=N\n    The size.\n\n", text)
        self.assertTrue(text.endswith("of it.\n\nAfter.\n"))
        self.assertLessEqual(max(map(len, text.splitlines())), 86)

    def test_none(self) -> None:
        """
        A type without options takes nothing.
        """
        self.assertEqual(Options().parse(""), {})
        self.assertEqual(Options().format, "No argstring required.")
        error = self.assertRaises(InvalidAuthArgumentString, Options().parse, "x=y")
        self.assertEqual(str(error), "nothing may follow it")


class ParserTests(SynchronousTestCase):
    """
    Tests for what parses values.
    """

    def test_readableFile(self) -> None:
        """
        A path is made absolute; what isn't a regular file that can be read now is told.
        """
        path = Path(self.mktemp())
        path.touch()
        self.assertEqual(readableFile(str(path)), str(path.resolve()))
        pipe = Path(self.mktemp())
        os.mkfifo(pipe)
        for wrong in (str(pipe), "/", "/no/such", f"{path}/x"):
            error = self.assertRaises(ValueError, readableFile, wrong)
            self.assertTrue(str(error).startswith(f"{os.path.abspath(wrong)} can't"))
        error = self.assertRaises(ValueError, readableFile, "")
        self.assertEqual(str(error), "a value is missing")

    def test_integerBetween(self) -> None:
        """
        An integer has the digits 0 to 9, and is within its bounds.
        """
        parse = integerBetween(0, 65535, "a port")
        for text, number in [("0", 0), ("00080", 80), ("65535", 65535), ("0" * 99, 0)]:
            self.assertEqual(parse(text), number)
        for text in ("", "-1", "+1", "65536", "1_0", " 1", "1.0", "²", "٣", "9" * 5000):
            error = self.assertRaises(ValueError, parse, text)
            self.assertEqual(str(error), "write a port")

    def test_namesLike(self) -> None:
        """
        None of several names is empty.
        """
        parse = namesLike("mail,staff")
        self.assertEqual(parse("mail"), ("mail",))
        self.assertEqual(parse("mail,b c"), ("mail", "b c"))
        for text in ("", ",", "a,", ",a", "a,,b"):
            error = self.assertRaises(ValueError, parse, text)
            self.assertIn("such as mail,staff", str(error))
