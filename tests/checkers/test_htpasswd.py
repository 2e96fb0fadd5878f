"""
Tests for L{mycred.checkers._htpasswd}.

They cover L{mycred._passwordfile._lookup} and L{mycred._passwordfile._notes}, too.
"""

from __future__ import annotations

import os
from typing import Any

from zope.interface.verify import verifyObject

from hypothesis import given, settings, strategies

from twisted.logger import formatEvent

from mycred._hashes import _libcrypt
from mycred._passwordfile import Notes, PasswordFile
from mycred.checkers import (
    HtpasswdChecker,
    ICredentialsChecker,
    IUsernamePassword,
    _htpasswd,
)
from mycred.credentials import IScramCredentials

from ..kit.files import BCRYPT, FileTestCase, StoreTests
from ..kit.vectors import VECTORS
from ..kit.work import WorkTests, typed, typedText

# htpasswd -nbs alice sesame
SHA = b"{SHA}CEo1Ae3vaEXy8eQZjsOiuBz1xrw="
# htpasswd -nbd ed oak
DES = b"POM42olbuEzn2"


class HtpasswdTestCase(FileTestCase):
    """
    Base of the tests for L{HtpasswdChecker}.
    """

    def htpasswd(self, content: bytes, **arguments: Any) -> HtpasswdChecker:
        """
        Make a checker, of a file that holds this and isn't new.
        """
        self.path.write_bytes(content)
        os.utime(self.path, (0, 0))
        self.settle()
        return HtpasswdChecker(str(self.path), workers=self.workers, **arguments)


class HashTests(HtpasswdTestCase):
    """
    Tests for who gets in.
    """

    def test_interface(self) -> None:
        """
        It checks passwords, and what keys of SCRAM serve: hashes can't serve more.
        """
        checker = self.htpasswd(b"")
        self.assertTrue(verifyObject(ICredentialsChecker, checker))
        both = (IUsernamePassword, IScramCredentials)
        self.assertEqual(checker.credentialInterfaces, both)

    def test_otherPrograms(self) -> None:
        """
        Every account gets in, whichever program made its hash, with its own
        password only.
        """
        lines = [b"user%d:%s\n" % (n, stored) for n, (_, stored, _) in enumerate(VECTORS)]
        checker = self.htpasswd(b"".join(lines))
        for number, (command, stored, password) in enumerate(VECTORS):
            name = b"user%d" % number
            asking = self.ask(checker, name, password)
            self.assertEqual(self.successResultOf(asking), name, command)
            for wrong in (b"tulip", stored):
                self.assertRefused(self.ask(checker, name, wrong))

    def test_refusedAlike(self) -> None:
        """
        A wrong password, an empty one, an unknown user and an unusable hash are
        refused alike, after the same work.
        """
        checker = self.htpasswd(b"carol:" + BCRYPT + b"\ndave:$2y$04$x\nerin:secret\n")
        for name, password in [
            (b"carol", b"wrong"),
            (b"carol", b""),
            (b"eve", b"hashed"),
            (b"eve", b""),
            (b"dave", b"hashed"),
            (b"erin", b"secret"),
            (b"", b"hashed"),
        ]:
            del self.verified[:]
            self.assertRefused(self.ask(checker, name, password))
            self.assertEqual(self.verified, [(BCRYPT, password)], name)

    def test_decoyIsOfTheDominantKind(self) -> None:
        """
        What an unknown user is refused after is of the scheme and the cost that
        most accounts have.
        """
        slow = BCRYPT.replace(b"$04$", b"$05$")
        lines = [b"a:" + slow, b"b:" + DES, b"c:" + SHA, b"d:" + BCRYPT, b"e:" + BCRYPT]
        for content in (lines, lines[::-1]):
            checker = self.htpasswd(b"\n".join(content))
            del self.verified[:]
            self.assertRefused(self.ask(checker, b"eve", b"x"))
            self.assertEqual(self.verified, [(BCRYPT, b"x")])

    def test_refusedByTheLibrary(self) -> None:
        """
        A hash that looks whole, and that its library refuses, costs what others do,
        as a decoy too, and is logged.
        """
        # Base64 of a salt of this length doesn't exist.
        odd = b"$y$j75$a$" + b"A" * 43
        lines = b"a:%s\nb:%s\nc:%s\ned:%s\n" % (odd, odd, odd, DES)
        checker = self.htpasswd(lines)
        for name in (b"a", b"eve"):
            del self.verified[:]
            self.assertRefused(self.ask(checker, name, b"hashed"))
            self.assertEqual(self.verified[-1], (DES, b"hashed"))
        self.assertEqual([e["number"] for e in self.logged("matches nothing")], [1])
        good = _libcrypt.crypt(b"x", b"$y$j75$abcd$")
        assert good is not None
        checker = self.htpasswd(b"a:%s\nb:%s\ned:%s\n" % (odd, good, DES))
        self.assertRefused(self.ask(checker, b"eve", b"hashed"))
        self.assertEqual(self.verified[-1], (good, b"hashed"))

    def test_text(self) -> None:
        """
        A name handed over as text comes back as text.
        """
        name = "jürgen"
        checker = self.htpasswd(name.encode() + b":" + BCRYPT)
        self.assertAccepted(self.ask(checker, name, "hashed"), name)
        self.assertAccepted(self.ask(checker, name.encode(), b"hashed"), name.encode())

    def test_absurd(self) -> None:
        """
        NUL, and what is absurdly long, is refused before any work.
        """
        checker = self.htpasswd(b"carol:" + BCRYPT)
        for name, password in [
            (b"carol", b"hashed\0"),
            (b"carol\0", b"hashed"),
            (b"carol", b"x" * 1025),
            (b"c" * 1025, b"hashed"),
            (None, b"hashed"),
        ]:
            self.assertRefused(self.ask(checker, name, password))
        self.assertEqual(self.verified, [])

    def test_refusalsAreToldApart(self) -> None:
        """
        The log tells an unknown user, a wrong password and an unusable hash apart.
        """
        checker = self.htpasswd(b"carol:" + BCRYPT + b"\ndave:$9$x$y")
        for name in (b"carol", b"eve", b"dave"):
            self.assertRefused(self.ask(checker, name, b"hunter2"))
        told = [e["log_format"].format(**e) for e in self.logged("Login refused")]
        self.assertEqual(len(told), 3)
        for text, says in zip(told, ("wrong password", "no such user", "unknown kind")):
            self.assertIn(says, text)
        self.assertNotIn("hunter2", repr(self.events))


class SameWorkTests(WorkTests, HtpasswdTestCase):
    """
    Tests for the work after which somebody is refused.
    """

    def test_typical(self) -> None:
        """
        For a name that nobody has a line like most of those is taken apart and read that
        something can match.
        """
        self.count(_htpasswd, "readHash")
        lines = (
            b"first:!\nx:!\ny:!\nz:!\nalice:"
            + SHA
            + b"\nbob:"
            + SHA
            + b"\ncarol:"
            + BCRYPT
            + b"\n"
        )
        checker = self.htpasswd(lines)
        self.assertRefused(self.ask(checker, b"eve", b"x"))
        names = (b"alice", b"bob", b"eve", b"first")
        for present in (typed, typedText):
            self.assertSameWork(checker, present, *names, parse=1, readHash=1, verified=1)
        typical = checker._store.store.typical
        assert typical is not None
        self.assertEqual(typical.name, b"alice")

    def test_nothingTypical(self) -> None:
        """
        Where no line can match anything one of them is read all the same; in an empty
        file there is nothing to read.
        """
        self.count(_htpasswd, "readHash")
        checker = self.htpasswd(b"alice:!\n")
        self.assertRefused(self.ask(checker, b"eve", b"x"))
        self.assertSameWork(checker, typed, b"alice", b"eve", parse=1, readHash=1)
        self.path.write_bytes(b"# nobody\n")
        self.assertRefused(self.ask(checker, b"alice", b"x"))
        self.assertRefused(self.ask(checker, b"eve", b"x"))
        self.assertIsNone(checker._store.store.typical)


class LineTests(HtpasswdTestCase):
    """
    Tests for how lines are read: as Apache does.
    """

    def test_lines(self) -> None:
        """
        Comments and blank lines are skipped, white space around a line doesn't
        count, what follows a second colon is ignored, CR is tolerated, and the end
        of the last line may be missing.
        """
        stored = BCRYPT
        checker = self.htpasswd(
            b"# users\n\n  \t\n#carol:%s\n  # dave:%s\nalone\n  erin:%s\n"
            b"frank:%s\r\ngrace:%s:1000:1000::/home/grace::\nheidi:%s  \nivan:%s"
            % ((stored,) * 7)
        )
        for name in (b"erin", b"frank", b"grace", b"heidi", b"ivan"):
            self.assertAccepted(self.ask(checker, name, b"hashed"), name)
        for name in (b"carol", b"#carol", b"dave", b"# dave", b"  # dave", b"alone"):
            self.assertRefused(self.ask(checker, name, b"hashed"))

    def test_firstWins(self) -> None:
        """
        Of two lines for a user the first counts, also if it matches nothing; the
        other one is logged with its number.
        """
        for first in (SHA, b"x", b""):
            del self.events[:]
            checker = self.htpasswd(b"carol:%s\ncarol:%s\n" % (first, BCRYPT))
            self.assertRefused(self.ask(checker, b"carol", b"hashed"))
            [event] = self.logged("has a line already")
            self.assertEqual((event["number"], event["first"]), (2, 1))

    def test_longNames(self) -> None:
        """
        A name that is absurdly long doesn't fill the log.
        """
        checker = self.htpasswd((b"c" * 10_000 + b":%s\n" % BCRYPT) * 2)
        self.assertRefused(self.ask(checker, b"eve", b"x"))
        [event] = self.logged("has a line already")
        self.assertLess(len(event["name"]), 100)

    def test_exactName(self) -> None:
        """
        A name counts as it is spelled, and a part of it is another name.
        """
        checker = self.htpasswd(b"Carol:%s\nxcarol:%s\n" % (BCRYPT, BCRYPT))
        self.assertAccepted(self.ask(checker, b"Carol", b"hashed"), b"Carol")
        for name in (b"carol", b"CAROL", b"Caro", b"Carol ", b" Carol", b"Carol:"):
            self.assertRefused(self.ask(checker, name, b"hashed"))

    def test_locked(self) -> None:
        """
        What administrators write to lock an account lets nobody in.
        """
        for stored in (b"", b"*", b"!", b"x", b"!" + BCRYPT, b"*0", b"{PLAIN}"):
            checker = self.htpasswd(b"carol:" + stored)
            for password in (b"", b"hashed", stored):
                self.assertRefused(self.ask(checker, b"carol", password))

    @settings(deadline=None, database=None, max_examples=100)
    @given(
        content=strategies.binary()
        | strategies.text(alphabet=":\n\r# ${}ax").map(str.encode),
        name=strategies.binary() | strategies.text(alphabet=": #ax").map(str.encode),
    )
    def test_anyContent(self, content: bytes, name: bytes) -> None:
        """
        No content of the file, and no name, makes anything fail but the login.
        """
        for plaintext in (False, True):
            checker = self.htpasswd(content, plaintext=plaintext)
            self.assertRefused(self.ask(checker, name, b"\xff never a password \xfe"))


class OptionTests(HtpasswdTestCase):
    """
    Tests for C{weak} and C{plaintext}.
    """

    def test_weakIsLogged(self) -> None:
        """
        A weak hash lets its user in, and is logged once, with its line, why, and
        what to do, and without the hash.
        """
        checker = self.htpasswd(b"a:%s\nalice:%s\ned:%s\n" % (BCRYPT, SHA, DES))
        for _ in range(2):
            self.assertAccepted(self.ask(checker, b"alice", b"sesame"), b"alice")
            self.assertAccepted(self.ask(checker, b"ed", b"oak"), b"ed")
        events = self.logged("is weak")
        self.assertEqual([event["number"] for event in events], [2, 3])
        for event in events:
            text = event["log_format"].format(**event)
            self.assertIn("mycred passwd", text)
            self.assertIn(str(self.path), text)
        self.assertNotIn(SHA[5:].decode(), repr(events))

    def test_weakRefused(self) -> None:
        """
        With C{weak=False} it lets nobody in, is logged, and costs what others do.
        """
        lines = [b"a:" + BCRYPT, b"alice:" + SHA, b"ed:" + DES, b"p:{PLAIN}sesame"]
        checker = self.htpasswd(b"\n".join(lines) + b"\n", weak=False)
        for name, password in [(b"alice", b"sesame"), (b"ed", b"oak"), (b"p", b"sesame")]:
            del self.verified[:]
            self.assertRefused(self.ask(checker, name, password))
            self.assertEqual(self.verified, [(BCRYPT, password)])
        numbers = [event["number"] for event in self.logged("matches nothing")]
        self.assertEqual(numbers, [2, 3, 4])
        self.assertAccepted(self.ask(checker, b"a", b"hashed"), b"a")

    def test_plainText(self) -> None:
        """
        What isn't like a hash matches only if plain text was asked for.
        """
        content = b"alice:sesame\nbob:\ncarol:%s\nedna:%s\nfay:{SHA}x\n" % (BCRYPT, DES)
        checker = self.htpasswd(content)
        self.assertRefused(self.ask(checker, b"alice", b"sesame"))
        checker = self.htpasswd(content, plaintext=True)
        self.assertAccepted(self.ask(checker, b"alice", b"sesame"), b"alice")
        self.assertAccepted(self.ask(checker, "alice", "sesame"), "alice")
        self.assertAccepted(self.ask(checker, b"carol", b"hashed"), b"carol")
        for name, password in [
            (b"alice", b"x"),
            (b"bob", b""),
            (b"carol", BCRYPT),
            # A hash is never the password itself, not even a damaged one, or one
            # of DES, which begins like nothing.
            (b"edna", DES),
            (b"fay", b"{SHA}x"),
        ]:
            self.assertRefused(self.ask(checker, name, password))

    def test_namedPlainText(self) -> None:
        """
        Plain text with a name for it before it needs no option, as in nginx; it is
        logged as weak.
        """
        checker = self.htpasswd(b"alice:{PLAIN}sesame\nbob:{CLEARTEXT}tulip\n")
        self.assertAccepted(self.ask(checker, b"alice", b"sesame"), b"alice")
        self.assertAccepted(self.ask(checker, "bob", "tulip"), "bob")
        self.assertRefused(self.ask(checker, b"bob", b"sesame"))
        self.assertEqual(len(self.logged("is weak")), 1)

    def test_cutPlainText(self) -> None:
        """
        Plain text on a last line without an end may be half of a password, and
        lets nobody in; the log says so.
        """
        for line in (b"alice:ses", b"alice:{PLAIN}ses"):
            del self.events[:]
            checker = self.htpasswd(b"bob:tulip\n" + line, plaintext=True)
            self.assertRefused(self.ask(checker, b"alice", b"ses"))
            [event] = self.logged("matches nothing")
            self.assertIn("no end", event["reason"])
            self.path.write_bytes(b"bob:tulip\n" + line + b"\n")
            self.assertAccepted(self.ask(checker, b"alice", b"ses"), b"alice")


class NoteTests(HtpasswdTestCase):
    """
    Tests for what is logged about a file.
    """

    def test_unusable(self) -> None:
        """
        Each line that matches nothing is logged once, with its number and the
        reason, and without what is stored.
        """
        lines = [b"a:$9$secret", b"b:$2y$18$" + b"." * 53, b"c:secret", b"d:{MD4}secret"]
        checker = self.htpasswd(b"\n".join(lines))
        for _ in range(3):
            for line in lines:
                self.assertRefused(self.ask(checker, line[:1], b"x"))
        events = self.logged("matches nothing")
        self.assertEqual([event["number"] for event in events], [1, 2, 3, 4])
        self.assertNotIn("secret", repr(events))
        self.assertIn("absurd", events[1]["reason"])

    def test_newState(self) -> None:
        """
        When the file has changed it is told again.
        """
        checker = self.htpasswd(b"a:x\n")
        for number in (1, 2):
            self.assertRefused(self.ask(checker, b"a", b"x"))
            self.assertEqual(len(self.logged("matches nothing")), number)
            self.path.write_bytes(b"a:xy\n")

    def test_bounded(self) -> None:
        """
        A file full of nonsense doesn't flood the log.
        """
        most = Notes.MOST
        checker = self.htpasswd(b"".join(b"u%d:x\n" % n for n in range(3 * most)))
        for number in range(3 * most):
            self.assertRefused(self.ask(checker, b"u%d" % number, b"x"))
        self.assertEqual(len(self.logged("matches nothing")), most)
        self.assertEqual(
            len([e for e in self.events if "mycred lint" in formatEvent(e)]), 1
        )

    def test_lateLine(self) -> None:
        """
        Of a large file, lines are looked at here and there when it is read; a line
        that was left out is told when its user comes.
        """
        self.patch(PasswordFile, "MOST_EXAMINED", 2)
        lines = [b"u%d:%s" % (n, BCRYPT if n % 5 == 0 else b"x") for n in range(10)]
        checker = self.htpasswd(b"\n".join(lines))
        for _ in range(2):
            self.assertRefused(self.ask(checker, b"u0", b"x"))
        told = self.logged("matches nothing")
        self.assertLess(len(told), 3)
        self.assertNotIn(8, [event["number"] for event in told])
        for _ in range(2):
            self.assertRefused(self.ask(checker, b"u7", b"x"))
            self.assertEqual(self.verified.pop(), (BCRYPT, b"x"))
        [late] = self.logged("matches nothing")[len(told) :]
        self.assertEqual(late["number"], 8)


class HtpasswdStoreTests(StoreTests, FileTestCase):
    """
    Tests for a file that comes, changes and goes.
    """

    def checker(self, content: bytes | None = None) -> HtpasswdChecker:
        """
        Make a checker, of a file that holds this.
        """
        if content is not None:
            self.path.write_bytes(content)
        return HtpasswdChecker(str(self.path), plaintext=True, workers=self.workers)

    def test_hashInYoungFile(self) -> None:
        """
        A hash that matches is a whole one: nobody waits for the file to settle.
        """
        self.run_()
        self.path.write_bytes(b"carol:" + BCRYPT)
        checker = HtpasswdChecker(str(self.path), workers=self.workers)
        asking = self.ask(checker, b"carol", b"hashed")
        self.workers.step()
        self.assertAccepted(asking, b"carol")

    def test_decoyInYoungFile(self) -> None:
        """
        A password that happens to be that of the decoy says nothing about who isn't
        in the file yet.
        """
        self.run_()
        self.path.write_bytes(b"carol:" + BCRYPT)
        checker = HtpasswdChecker(str(self.path), workers=self.workers)
        asking = self.ask(checker, b"dave", b"hashed")
        self.workers.step()
        self.assertNoResult(asking)
        self.path.write_bytes(b"carol:%s\ndave:%s\n" % (BCRYPT, BCRYPT))
        self.settle()
        self.workers.reactor.advance(1)
        self.workers.step()
        self.assertAccepted(asking, b"dave")
