"""
Tests for L{mycred._secrets}.
"""

from __future__ import annotations

from typing import Any

from hypothesis import example, given, settings, strategies as st

from twisted.trial.unittest import SynchronousTestCase

from mycred import _secrets
from mycred._secrets import LONGEST, asBytes, equal, isPlausible, printable

patient = settings(deadline=None, database=None)

# All that a str can hold: lone surrogates too, which no encoding likes.
anyText = st.text(st.characters() | st.characters(categories=["Cs"]))


class PrintableTests(SynchronousTestCase):
    """
    Tests for L{printable}.
    """

    def test_shown(self) -> None:
        """
        Text is shown as it is, but for what the log can't take or a terminal would obey.
        """
        self.assertEqual(printable("uid=é,ou=x y"), "uid=é,ou=x y")
        self.assertEqual(printable("a\x1b[31m\nb\0"), "a\\x1b[31m\\nb\\x00")
        self.assertEqual(printable("\udcff\u202e"), "\\udcff\\u202e")

    def test_long(self) -> None:
        """
        What is longer than anything that is meant to be read is cut off.
        """
        self.assertEqual(printable("x" * 4096), "x" * 4096)
        self.assertEqual(printable("x" * 2**21), "x" * 4096 + "...")

    @given(anyText)
    def test_anything(self, text: str) -> None:
        """
        Whatever it is, it can be written to a log, in one line.
        """
        shown = printable(text)
        self.assertTrue(shown.isprintable())
        shown.encode("utf-8")


class AsBytesTests(SynchronousTestCase):
    """
    Tests for L{asBytes}.
    """

    def test_text(self) -> None:
        """
        Text becomes UTF-8.
        """
        self.assertEqual(asBytes("pässwörd€"), b"p\xc3\xa4ssw\xc3\xb6rd\xe2\x82\xac")

    def test_bytes(self) -> None:
        """
        Bytes stay as they are, also where they are no UTF-8.
        """
        self.assertEqual(asBytes(b"p\xe4ss\0"), b"p\xe4ss\0")

    def test_others(self) -> None:
        """
        What is neither text nor bytes comes back untouched.
        """
        for value in (None, 7, (), object()):
            self.assertIs(asBytes(value), value)

    def test_undecodableByte(self) -> None:
        """
        A name that the system decoded from bytes which are no UTF-8 becomes
        those bytes again.
        """
        name = b"j\xf6rg".decode("utf-8", "surrogateescape")
        self.assertEqual(asBytes(name), b"j\xf6rg")

    @patient
    @given(anyText)
    @example("\ud800")
    def test_neverRaises(self, text: str) -> None:
        """
        Whatever a client types, it can be made into bytes.
        """
        self.assertIsInstance(asBytes(text), bytes)

    @patient
    @given(st.text())
    def test_readableText(self, text: str) -> None:
        """
        Text without surrogates is UTF-8 to the letter.
        """
        self.assertEqual(asBytes(text), text.encode("utf-8"))


class EqualTests(SynchronousTestCase):
    """
    Tests for L{equal}.
    """

    def test_bytes(self) -> None:
        """
        Bytes match the same bytes, and no others.
        """
        self.assertTrue(equal(b"secret", b"secret"))
        for other in (b"secreT", b"secret ", b"secre", b""):
            self.assertFalse(equal(b"secret", other))

    def test_text(self) -> None:
        """
        Text matches the same text, and no other.
        """
        self.assertTrue(equal("secret", "secret"))
        for other in ("secreT", "secret ", "secre", ""):
            self.assertFalse(equal("secret", other))

    def test_nonASCII(self) -> None:
        """
        Secrets beyond ASCII are compared like any other.
        """
        self.assertTrue(equal("pässwörd€", "pässwörd€"))
        self.assertFalse(equal("pässwörd€", "passwörd€"))
        self.assertTrue(equal(b"p\xe4ss", b"p\xe4ss"))
        self.assertFalse(equal(b"p\xe4ss", b"p\xe5ss"))

    def test_mixedTypes(self) -> None:
        """
        As in Twisted: text never matches bytes, though it were spelled alike.
        """
        self.assertFalse(equal("secret", b"secret"))
        self.assertFalse(equal(b"secret", "secret"))

    def test_otherTypes(self) -> None:
        """
        As in Twisted: what is neither text nor bytes is compared by C{==}, and what has
        a comparison of its own by that.
        """

        class Stored(bytes):
            """
            A stored hash, as libraries have it.
            """

            def __eq__(self, typed: object) -> bool:
                return typed == b"secret"

            __hash__ = bytes.__hash__

        for value in (7, 1.5, (), frozenset("a"), object()):
            self.assertTrue(equal(value, value))
            self.assertFalse(equal(value, b"secret"))
            self.assertFalse(equal("secret", value))
        self.assertTrue(equal(1, 1.0))
        self.assertTrue(equal(b"secret", Stored(b"$hash")))
        self.assertTrue(equal(Stored(b"$hash"), b"secret"))
        self.assertFalse(equal(b"$hash", Stored(b"$hash")))

    def test_buffers(self) -> None:
        """
        As in Twisted: an array of bytes matches the same bytes.
        """
        self.assertTrue(equal(bytearray(b"secret"), b"secret"))
        self.assertTrue(equal(b"secret", bytearray(b"secret")))
        self.assertFalse(equal(bytearray(b"secret"), b"secreT"))
        self.assertFalse(equal(bytearray(b"secret"), "secret"))

    def test_none(self) -> None:
        """
        Unlike in Twisted: where there is no password, none is right.
        """
        for value in (None, b"", "", 0):
            self.assertFalse(equal(None, value))
            self.assertFalse(equal(value, None))

    def test_constantTime(self) -> None:
        """
        Text and bytes are compared in a time that tells nothing, those of subclasses
        too.
        """
        compared: list[tuple[object, object]] = []

        def compare(mine: bytes, theirs: bytes) -> bool:
            compared.append((mine, theirs))
            return mine == theirs

        class Text(str):
            """
            Text that knows more.
            """

        self.patch(_secrets, "compare_digest", compare)
        pairs = [(b"a", b"a"), ("a", "b"), (Text("a"), "a"), (bytearray(b"a"), b"a")]
        for mine, theirs in pairs:
            self.assertEqual(equal(mine, theirs), mine == theirs)
        self.assertEqual(len(compared), len(pairs))

    @given(*[st.one_of(anyText, st.binary(), st.integers(), st.booleans())] * 2)
    @patient
    def test_asTwisted(self, mine: Any, theirs: Any) -> None:
        """
        Whatever is presented and stored, the answer is Twisted's.
        """
        self.assertEqual(equal(mine, theirs), mine == theirs)
        self.assertTrue(equal(mine, mine))

    def test_result(self) -> None:
        """
        The answer is a plain truth value.
        """
        self.assertIs(equal(b"a", b"a"), True)
        self.assertIs(equal(b"a", "a"), False)

    @patient
    @given(anyText, anyText)
    def test_anyText(self, mine: str, theirs: str) -> None:
        """
        Any two texts can be compared, and match where they stand for the same
        bytes.
        """
        self.assertTrue(equal(mine, mine))
        self.assertEqual(equal(mine, theirs), asBytes(mine) == asBytes(theirs))

    @patient
    @given(st.binary(), st.binary())
    def test_anyBytes(self, mine: bytes, theirs: bytes) -> None:
        """
        Bytes match exactly when they are the same.
        """
        self.assertTrue(equal(mine, bytes(bytearray(mine))))
        self.assertEqual(equal(mine, theirs), mine == theirs)


class IsPlausibleTests(SynchronousTestCase):
    """
    Tests for L{isPlausible}.
    """

    def test_ordinary(self) -> None:
        """
        What people use for names and passwords is worth looking up.
        """
        for secret in (b"alice", "alice", "jörg", b"\xff\xfe", b"", "", "a b:c\n"):
            self.assertTrue(isPlausible(secret), secret)

    def test_nul(self) -> None:
        """
        A NUL anywhere is refused.
        """
        for secret in (b"\0", b"alice\0", b"\0alice", b"al\0ice", "al\0ice"):
            self.assertFalse(isPlausible(secret), secret)

    def test_length(self) -> None:
        """
        What is longer than the limit is refused, and what isn't isn't.
        """
        self.assertTrue(isPlausible(b"a" * LONGEST))
        self.assertFalse(isPlausible(b"a" * (LONGEST + 1)))
        self.assertTrue(isPlausible("a" * LONGEST))
        self.assertFalse(isPlausible("a" * (LONGEST + 1)))

    def test_lengthInBytes(self) -> None:
        """
        The limit holds for what the text weighs in bytes.
        """
        self.assertTrue(isPlausible("ä" * (LONGEST // 2)))
        self.assertFalse(isPlausible("ä" * (LONGEST // 2 + 1)))

    def test_others(self) -> None:
        """
        What is neither text nor bytes is no name and no password.
        """
        for value in (None, 7, (), object(), bytearray(b"alice")):
            self.assertFalse(isPlausible(value), value)

    @patient
    @given(anyText)
    def test_anyText(self, text: str) -> None:
        """
        Any text can be judged.
        """
        short = len(asBytes(text)) <= LONGEST
        self.assertEqual(isPlausible(text), short and "\0" not in text)
