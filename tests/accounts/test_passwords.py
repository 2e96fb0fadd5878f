"""
Tests for L{mycred._accounts}, above all for L{mycred._accounts._passwords}.
"""

from __future__ import annotations

from pathlib import Path
from typing import Any

from hypothesis import HealthCheck, given, settings, strategies

from twisted.python.fakepwd import UserDatabase

from mycred import _files
from mycred._accounts import (
    AccountFiles,
    AccountRules,
    Accounts,
    SystemUsers,
    _fileusers,
    _shadow,
    insistOnHashes,
    makeAccounts,
)
from mycred._accounts._account import AccountLayout
from mycred._hashes import _libcrypt, recognize
from mycred._verdict import Kind
from mycred.error import DenialReason

from ..kit.files import BCRYPT
from ..kit.machines import NOW, OTHER, PASSWD, PASSWORD, MachineTestCase
from ..kit.vectors import VECTORS
from ..kit.work import WorkTests

ACCEPTED, REFUSED, DENIED, UNSURE = Kind


class SameWorkTests(WorkTests, MachineTestCase):
    """
    Tests for the work after which users are refused.
    """

    def test_lines(self) -> None:
        """
        For a name that no account has lines of both files are parsed, as for others.
        """
        self.count(AccountLayout, "parse")
        self.settle()
        accounts = self.accounts()
        accounts.lookUp(b"eve", b"tulip")
        self.count(_fileusers, "userIn")
        self.count(_shadow, "shadowIn")
        self.count(_shadow, "hashIn")
        works = []
        for name in (b"carol", b"eve", b"frank", b"locked"):
            self.work.clear()
            self.assertKind(REFUSED, accounts.lookUp(name, b"tulip"))
            works.append(dict(self.work))
        expected = {"parse": 2, "userIn": 2, "shadowIn": 1, "hashIn": 1}
        self.assertEqual(works, [expected] * 4)

    def test_nothingToRead(self) -> None:
        """
        A file in which nothing is an account makes no difference to an answer.
        """
        self.passwd = self.write("passwd", b"carol:x\n")
        for name in (b"carol", b"eve"):
            self.assertKind(REFUSED, self.accounts().lookUp(name, b"tulip"))


class LookTests(MachineTestCase):
    """
    Tests for L{Accounts.lookUp}.
    """

    def test_accepted(self) -> None:
        """
        A user with the right password is accepted, with all that is known of the account.
        """
        verdict = self.accounts().lookUp(b"carol", PASSWORD)
        self.assertKind(ACCEPTED, verdict)
        self.assertEqual((verdict.name, verdict.denial), (b"carol", None))
        account = verdict.account
        assert account is not None
        self.assertEqual(account.name, "carol")
        self.assertEqual((account.uid, account.gid), (1000, 100))
        self.assertEqual((account.home, account.shell), ("/home/carol", "/bin/bash"))
        self.assertEqual(account.groups, ("users", "mail", "staff"))
        self.assertEqual(account.gids, (100, 8, 50))

    def test_verdicts(self) -> None:
        """
        Each state of an account has its end, and the log is told which.
        """
        accounts = self.accounts()
        for name, password, kind, why in [
            (b"dave", PASSWORD, ACCEPTED, ""),
            (b"dave", b"tulip", REFUSED, "wrong password"),
            (b"eve", PASSWORD, REFUSED, "no such account"),
            (b"root", PASSWORD, REFUSED, "no password"),
            (b"empty", PASSWORD, REFUSED, "no password"),
            (b"starred", PASSWORD, REFUSED, "no password"),
            (b"lineless", PASSWORD, REFUSED, "no password"),
            (b"own", PASSWORD, ACCEPTED, ""),
            (b"own", b"tulip", REFUSED, "wrong password"),
            (b"hidden", PASSWORD, ACCEPTED, ""),
            (b"locked", PASSWORD, DENIED, "locked"),
            (b"locked", b"tulip", REFUSED, "wrong password"),
            (b"expired", PASSWORD, DENIED, "expired"),
            (b"expired", b"tulip", REFUSED, "wrong password"),
        ]:
            verdict = accounts.lookUp(name, password)
            self.assertKind(kind, verdict, why)
            self.assertEqual(verdict.name, name)
            self.assertEqual(verdict.account is not None, kind is ACCEPTED)

    def test_reasons(self) -> None:
        """
        A denial has the reason that the peer may be told.
        """
        accounts = self.accounts(AccountRules(minuid=1001))
        for name, reason in [
            (b"locked", DenialReason.LOCKED),
            (b"expired", DenialReason.EXPIRED),
            (b"carol", DenialReason.POLICY),
        ]:
            self.assertEqual(accounts.lookUp(name, PASSWORD).denial, reason)
            self.assertIsNone(accounts.lookUp(name, b"tulip").denial)

    def test_today(self) -> None:
        """
        The day is that of UTC, and decides at midnight.
        """
        day = 19_500 * 86_400
        for now, kind in [(day - 1, ACCEPTED), (day, DENIED)]:
            accounts = self.accounts(now=lambda now=now: now)
            self.assertKind(kind, accounts.lookUp(b"expired", PASSWORD))

    def test_rules(self) -> None:
        """
        Rules go by the groups that a user is in, and deny nobody who doesn't know
        the password.
        """
        accounts = self.accounts(AccountRules(groups=("mail",)))
        self.assertKind(ACCEPTED, accounts.lookUp(b"carol", PASSWORD))
        self.assertKind(DENIED, accounts.lookUp(b"dave", PASSWORD), "groups mail")
        self.assertKind(REFUSED, accounts.lookUp(b"dave", b"tulip"))

    def test_sameWork(self) -> None:
        """
        Every refusal takes one verification; for a user without a hash, one of the kind
        that most hashes are of.
        """
        accounts = self.accounts()
        for name, stored in [
            (b"carol", BCRYPT),
            (b"frank", OTHER),
            (b"locked", BCRYPT),
            (b"own", BCRYPT),
            (b"eve", BCRYPT),
            (b"root", BCRYPT),
            (b"empty", BCRYPT),
            (b"starred", BCRYPT),
            (b"lineless", BCRYPT),
            (b"orphan", BCRYPT),
        ]:
            del self.verified[:]
            self.assertKind(REFUSED, accounts.lookUp(name, b"tulip"))
            self.assertEqual(self.verified, [(stored, b"tulip")], name)

    def test_sameWorkWithoutShadow(self) -> None:
        """
        So it is where the hashes are in the passwd file.
        """
        accounts = self.accounts(shadow=None)
        for name in (b"own", b"carol", b"starred", b"eve"):
            del self.verified[:]
            self.assertKind(REFUSED, accounts.lookUp(name, b"tulip"))
            self.assertEqual(self.verified, [(BCRYPT, b"tulip")], name)
        self.assertKind(ACCEPTED, accounts.lookUp(b"own", PASSWORD))

    def test_damagedLine(self) -> None:
        """
        A damaged line of the shadow file matches nothing, and is told with its
        number; so is a hash of an unknown kind.
        """
        self.shadow = self.write(
            "shadow",
            b"carol:" + BCRYPT + b":19000:0:99999:7:::x\n"
            b"dave:$unknown$a$b:19000:0:99999:7:::\n"
            b"erin:{PLAIN}hashed:19000:0:99999:7:::\n"
            b"frank:hashed:19000:0:99999:7:::\n",
        )
        accounts = self.accounts()
        for name in (b"carol", b"dave", b"erin", b"frank"):
            self.assertKind(REFUSED, accounts.lookUp(name, PASSWORD))
        told = [text.format(**values) for text, values in accounts.takeNotes()]
        self.assertEqual(len(told), 4)
        for number, note in enumerate(told, 1):
            self.assertIn(f"{self.shadow}, line {number}: ", note)
        self.assertEqual(list(accounts.takeNotes()), [])
        self.write("passwd", b"carol:x:many:1:::\n")
        accounts.lookUp(b"carol", PASSWORD)
        [(text, values)] = accounts.takeNotes()
        self.assertIn(f"{self.passwd}, line 1: ", text.format(**values))

    def test_manyOddities(self) -> None:
        """
        Very many of them don't fill the log.
        """
        self.write("shadow", b"".join(b"u%d:x:x:x\n" % n for n in range(300)))
        accounts = self.accounts()
        for _ in range(2):
            accounts.lookUp(b"carol", PASSWORD)
        told = [text.format(**values) for text, values in accounts.takeNotes()]
        self.assertEqual(len(told), 101)
        self.assertIn("the rest is left out", told[-1])

    def test_ordinaryLinesAreNotOdd(self) -> None:
        """
        Accounts without a password are on every machine, and nothing to tell.
        """
        accounts = self.accounts()
        accounts.lookUp(b"carol", PASSWORD)
        self.assertEqual(list(accounts.takeNotes()), [])

    def test_weak(self) -> None:
        """
        A weak hash works, and is told once, with what to do about it here.
        """
        # openssl passwd -1 -salt abcdefgh hashed
        weak = b"$1$abcdefgh$/RnrufYM0XcZHVFi8Pnpz."
        line = weak + b":19000:0:99999:7:::\n"
        self.shadow = self.write("shadow", b"carol:" + line + b"dave:" + line)
        accounts = self.accounts()
        accounts.lookUp(b"carol", PASSWORD)
        [(text, values)] = accounts.takeNotes()
        self.assertRegex(text.format(**values), r"line 1, .* weak.*passwd\(1\)")

    def test_dominantOfBoth(self) -> None:
        """
        What an unknown user costs is decided by the hashes of both files; a user without
        a hash in either costs the same, also before any other one was looked up.
        """
        lines = [b"u%d:%s:1:1:::/bin/sh\n" % (n, OTHER) for n in range(12)]
        self.write("passwd", b"".join([*lines, b"sss:*:1:1:::\ncarol:x:1:1:::\n"]))
        for name in (b"eve", b"sss", b"u3", b"sss"):
            del self.verified[:]
            self.assertKind(REFUSED, self.accounts().lookUp(name, b"tulip"))
            self.assertEqual(self.verified, [(OTHER, b"tulip")], name)
        self.write("passwd", b"sss:*:1:1:::\n")
        for name in (b"sss", b"eve"):
            del self.verified[:]
            self.assertKind(REFUSED, self.accounts().lookUp(name, b"tulip"))
            self.assertEqual(self.verified, [(BCRYPT, b"tulip")], name)

    def test_nobodyHasAHash(self) -> None:
        """
        Where no user has a hash, all are refused after the same work, too.
        """
        self.write("shadow", b"carol:*:::::::\n")
        self.write("passwd", b"carol:x:1:1:::\nsss:*:1:1:::\n")
        for name in (b"carol", b"sss", b"eve"):
            del self.verified[:]
            self.assertKind(REFUSED, self.accounts().lookUp(name, b"tulip"))
            self.assertEqual(len(self.verified), 1, name)

    def test_ownHashWithoutShadow(self) -> None:
        """
        Users whose hash is in the passwd file don't depend on the shadow file.
        """
        Path(self.shadow).unlink()
        self.assertKind(ACCEPTED, self.accounts().lookUp(b"own", PASSWORD))

    def test_foreignHash(self) -> None:
        """
        Those hashes let a user in that the system's crypt(3) makes of the password, and
        no others: neither those of a scheme that only other programs know, nor those
        with a name in braces before them.
        """
        foreign = set()
        for _command, stored, password in VECTORS:
            if b":" in stored:
                # No field can hold it.
                continue
            self.write("shadow", b"carol:%s:::::::\n" % stored)
            verdict = self.accounts().lookUp(b"carol", password)
            if _libcrypt.crypt(password, stored) == stored:
                self.assertKind(ACCEPTED, verdict)
                continue
            self.assertKind(REFUSED, verdict, "not a hash as crypt(3) makes it")
            foreign.add(recognize(stored).scheme.name)
        self.assertLess({"Apache's MD5", "argon2", "salted SHA-1"}, foreign)

    def test_groupFile(self) -> None:
        """
        A denial by a file of groups that is just being written is in doubt; an outage
        is no denial.
        """
        accounts = self.accounts(AccountRules(groups=("mail",)))
        self.settle()
        self.assertIsNone(accounts.lookUp(b"carol", PASSWORD).doubt)
        self.patch(_files, "SETTLING", 3600)
        self.write("group", b"mail:x:8:car")
        accounts = self.accounts(AccountRules(groups=("mail",)))
        self.patch(accounts._users.file, "stored", self.settled(accounts._users.file))
        self.patch(accounts._shadow, "stored", self.settled(accounts._shadow))
        verdict = accounts.lookUp(b"carol", PASSWORD)
        self.assertKind(DENIED, verdict)
        self.assertIsNotNone(verdict.doubt)
        Path(self.group).unlink()
        self.assertRaises(OSError, accounts.lookUp, b"carol", PASSWORD)

    def settled(self, file: Any) -> Any:
        """
        Make a look into a file that isn't in doubt.
        """
        stored = file.stored
        return lambda *arguments: stored(*arguments)._replace(doubt=None)

    def test_eachDoubt(self) -> None:
        """
        Whichever of the files has just changed puts a refusal in doubt.
        """
        for name in ("passwd", "shadow"):
            accounts = self.accounts()
            other = accounts._shadow if name == "passwd" else accounts._users.file
            self.patch(other, "stored", self.settled(other))
            for user in (b"carol", b"eve"):
                verdict = accounts.lookUp(user, b"tulip")
                self.assertIsNotNone(verdict.doubt, (name, user))
            self.write("passwd", b"carol:x:many:1:::\n")
            if name == "passwd":
                verdict = accounts.lookUp(b"carol", b"tulip")
                self.assertKind(REFUSED, verdict, "passwd(5)")
                self.assertIsNotNone(verdict.doubt)
            self.write("passwd", PASSWD % {b"hash": BCRYPT})

    def test_orphan(self) -> None:
        """
        A user with a line in the shadow file, and without an account, isn't accepted;
        with the right password that is a temporary failure, since the name service may
        be down.
        """
        accounts = self.accounts()
        self.assertKind(UNSURE, accounts.lookUp(b"orphan", PASSWORD))
        self.assertKind(REFUSED, accounts.lookUp(b"orphan", b"tulip"), "no such account")

    def test_missing(self) -> None:
        """
        A file that can't be read is told as that.
        """
        for path in (self.passwd, self.shadow):
            Path(path).rename(path + "~")
            self.assertRaises(OSError, self.accounts().lookUp, b"carol", PASSWORD)
            Path(path + "~").rename(path)

    def test_changes(self) -> None:
        """
        What is written into the files counts at once.
        """
        accounts = self.accounts()
        self.assertKind(ACCEPTED, accounts.lookUp(b"carol", PASSWORD))
        self.write("shadow", b"carol:!" + BCRYPT + b":19000:0:99999:7:::\n")
        self.assertKind(DENIED, accounts.lookUp(b"carol", PASSWORD))
        self.write("passwd", b"")
        self.assertKind(UNSURE, accounts.lookUp(b"carol", PASSWORD))

    def test_shortLines(self) -> None:
        """
        Lines of old systems count, if they have an end.
        """
        for rest in (b":19000:0:99999", b":19000:0:99999:7::", b":19000:0:99999:7:::"):
            self.write("shadow", b"carol:" + BCRYPT + rest + b"\n")
            self.assertKind(ACCEPTED, self.accounts().lookUp(b"carol", PASSWORD))

    def test_emptyField(self) -> None:
        """
        An empty field in the passwd file is no password, and refers to none.
        """
        self.write("passwd", b"carol::1000:100::/:/bin/sh\n")
        verdict = self.accounts().lookUp(b"carol", PASSWORD)
        self.assertKind(REFUSED, verdict, "no password")

    def test_secretsUnseen(self) -> None:
        """
        What was looked up shows no hash.
        """
        accounts = self.accounts()
        assert accounts._shadow is not None
        look = accounts._shadow.stored(b"carol", PASSWORD)
        self.assertIsNotNone(look.hash)
        self.assertNotIn("$2y$", repr(look))

    def test_halfALine(self) -> None:
        """
        Half a line that is just being written lets nobody in without the rest, which
        may say that the account has expired; the whole one counts without its end.
        """
        line = b"carol:" + BCRYPT + b":19000:0:99999:7::1:"
        for size in range(len(b"carol:" + BCRYPT), len(line)):
            self.write("shadow", line[:size])
            verdict = self.accounts().lookUp(b"carol", PASSWORD)
            self.assertIn(verdict.kind, (REFUSED, DENIED), line[:size])
        self.write("shadow", line)
        self.assertKind(DENIED, self.accounts().lookUp(b"carol", PASSWORD))
        self.write("shadow", line[:-2] + b":")
        self.assertKind(ACCEPTED, self.accounts().lookUp(b"carol", PASSWORD))

    def test_doubt(self) -> None:
        """
        An answer from a file that has just changed is in doubt, as long as it is the
        same state; so is half a line of the passwd file, on which the rules depend.
        """
        # However long this takes.
        self.patch(_files, "SETTLING", 3600)
        accounts = self.accounts()
        first = accounts.lookUp(b"eve", PASSWORD).doubt
        self.assertIsNotNone(first)
        self.assertEqual(accounts.lookUp(b"eve", PASSWORD).doubt, first)
        self.write("passwd", b"carol:x:1000:100:::/bin/ba")
        verdict = accounts.lookUp(b"carol", PASSWORD)
        self.assertKind(REFUSED, verdict, "half a line")
        self.assertNotIn(verdict.doubt, (None, first))
        self.settle()
        verdict = accounts.lookUp(b"carol", PASSWORD)
        self.assertKind(ACCEPTED, verdict)
        self.assertIsNone(verdict.doubt)

    @settings(max_examples=50, suppress_health_check=list(HealthCheck), deadline=None)
    @given(strategies.binary(), strategies.binary(), strategies.binary(min_size=1))
    def test_anything(self, passwd: bytes, shadow: bytes, name: bytes) -> None:
        """
        Whatever the files hold, a look at them ends, and lets nobody in.
        """
        self.write("passwd", passwd + b"\n" + name + b":x:1:1:::" + passwd)
        self.write("shadow", shadow + b"\n" + name + b":" + shadow)
        self.write("group", passwd)
        verdict = self.accounts().lookUp(name, b"p")
        self.assertIn(verdict.kind, (REFUSED, UNSURE))


class SystemTests(MachineTestCase):
    """
    Tests for accounts whose users the name service knows.
    """

    def test_names(self) -> None:
        """
        The name is as the name service spells it, and that is looked up in the
        shadow file.
        """
        database = UserDatabase()
        database.addUser("carol", "x", 1000, 100, "", "/home/carol", "")
        record = database.getpwnam("carol")

        class Insensitive:
            """
            A directory in which case doesn't count.
            """

            def getpwnam(self, name: str) -> object:
                """
                Find a user.
                """
                if name.lower() != "carol":
                    raise KeyError(name)
                return record

        accounts = Accounts(SystemUsers(Insensitive()), self.shadow, now=lambda: NOW)
        verdict = accounts.lookUp(b"CAROL", PASSWORD)
        self.assertKind(ACCEPTED, verdict)
        assert verdict.account is not None
        self.assertEqual((verdict.name, verdict.account.shell), (b"carol", "/bin/sh"))
        self.assertKind(REFUSED, accounts.lookUp(b"CAROL", b"tulip"))

    def test_ownHashes(self) -> None:
        """
        Where the name service has the hashes, an unknown user is refused after the
        work that the last known one took.
        """
        database = UserDatabase()
        database.addUser("own", BCRYPT.decode(), 1008, 1008, "", "/", "/bin/sh")
        database.addUser("bad", "$unknown$", 1009, 1009, "", "/", "/bin/sh")
        accounts = Accounts(SystemUsers(database))
        self.assertKind(ACCEPTED, accounts.lookUp(b"own", PASSWORD))
        for name in (b"own", b"eve", b"bad"):
            del self.verified[:]
            self.assertKind(REFUSED, accounts.lookUp(name, b"tulip"))
            self.assertEqual(self.verified, [(BCRYPT, b"tulip")], name)

    def test_checkFiles(self) -> None:
        """
        Files that can let nobody in are told, and those that will be filled are not.
        """
        empty = self.write("empty", b"# nobody yet\n")
        nonsense = self.write("nonsense", b"alice sesame\nbob:secret\n")
        for passwd, shadow in [
            (self.passwd, self.shadow),
            (self.passwd, None),
            (self.passwd, empty),
            (empty, self.shadow),
        ]:
            insistOnHashes(passwd, shadow)
        for passwd, shadow, says in [
            (self.passwd, self.passwd, "is one of shadow(5)"),
            (self.shadow, self.shadow, "is one of passwd(5)"),
            (nonsense, self.shadow, f"no line of {nonsense} is one of passwd(5)"),
            (self.passwd, nonsense, f"no line of {nonsense} is one of shadow(5)"),
            (empty, None, "write shadow=FILE too"),
        ]:
            error = self.assertRaises(ValueError, insistOnHashes, passwd, shadow)
            self.assertIn(says, str(error))
        for secret in (b"x", b"*", b"!!", b"*LK*", b"##carol", b"", b"secret", b"$9$x"):
            passwd = self.write("none", b"carol:%s:1:1:::\n" % secret)
            error = self.assertRaises(ValueError, insistOnHashes, passwd, None)
            self.assertIn("write shadow=FILE too", str(error))

    def test_makeAccounts(self) -> None:
        """
        The files decide where users are looked for.
        """
        accounts = makeAccounts(
            AccountFiles(self.passwd, self.shadow, self.group), AccountRules()
        )
        self.assertKind(ACCEPTED, accounts.lookUp(b"carol", PASSWORD))
        accounts = makeAccounts(AccountFiles(shadow=self.shadow), AccountRules())
        self.assertKind(UNSURE, accounts.lookUp(b"orphan", PASSWORD))
        self.assertKind(REFUSED, accounts.lookUp(b"root", PASSWORD))
