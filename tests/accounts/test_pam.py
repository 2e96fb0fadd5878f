"""
Tests for L{mycred._accounts._pam}, with the modules of the system and one of the tests'
own.
"""

from __future__ import annotations

import ctypes
import os
import pwd
from pathlib import Path
from typing import Any

from hypothesis import given, strategies

from twisted.trial.unittest import SynchronousTestCase

from mycred._accounts import _pam
from mycred._accounts._pam import PAM, checkService
from mycred._verdict import Kind
from mycred.checkers import PAMChecker
from mycred.error import DenialReason

from ..kit.services import Services

ACCEPTED, REFUSED, DENIED, UNSURE = Kind

# The codes that pam_debug can return, and what comes of each: in the stage auth,
# and in the stage account.
CODES: list[tuple[str, Kind, Kind, DenialReason | None]] = [
    ("success", ACCEPTED, ACCEPTED, None),
    ("open_err", UNSURE, UNSURE, None),
    ("symbol_err", UNSURE, UNSURE, None),
    ("service_err", UNSURE, UNSURE, None),
    ("system_err", UNSURE, UNSURE, None),
    ("buf_err", UNSURE, UNSURE, None),
    ("perm_denied", REFUSED, DENIED, DenialReason.POLICY),
    ("auth_err", REFUSED, DENIED, DenialReason.POLICY),
    ("cred_insufficient", UNSURE, UNSURE, None),
    ("authinfo_unavail", UNSURE, UNSURE, None),
    ("user_unknown", REFUSED, DENIED, DenialReason.POLICY),
    ("maxtries", REFUSED, DENIED, DenialReason.POLICY),
    ("new_authtok_reqd", REFUSED, DENIED, DenialReason.PASSWORD_EXPIRED),
    ("acct_expired", REFUSED, DENIED, DenialReason.EXPIRED),
    ("authtok_expired", REFUSED, DENIED, DenialReason.EXPIRED),
    ("conv_err", UNSURE, UNSURE, None),
    ("abort", UNSURE, UNSURE, None),
    ("module_unknown", UNSURE, UNSURE, None),
]


class LookTests(Services, SynchronousTestCase):
    """
    Tests for L{PAM.look}.
    """

    def look(self, service: str, name: bytes = b"alice", **arguments: Any) -> Any:
        """
        Log in by a service.
        """
        pam = PAM(service, str(self.confdir))
        return pam.lookUp(name, b"sesame", **arguments)

    def test_codes(self) -> None:
        """
        Each answer of a module has its end: wrong credentials, a denial after the
        password was right, or no verdict.
        """
        for code, kind, _, _ in CODES:
            self.service("debug", f"pam_debug.so auth={code}", "pam_permit.so")
            self.assertIs(self.look("debug").kind, kind, code)
        for code, _, kind, denial in CODES:
            self.service("debug", "pam_permit.so", f"pam_debug.so acct={code}")
            verdict = self.look("debug")
            self.assertEqual((verdict.kind, verdict.denial), (kind, denial), code)
            self.assertEqual(bool(verdict.why), kind is not ACCEPTED, code)

    def test_permit(self) -> None:
        """
        A user whom all modules accept is accepted; the name service need not know them,
        and if it does, the verdict has their account.
        """
        verdict = self.look("permit", b"no-such-user")
        self.assertEqual((verdict.kind, verdict.name), (ACCEPTED, b"no-such-user"))
        self.assertIsNone(verdict.account)
        record = pwd.getpwuid(os.getuid())
        account = self.look("permit", os.fsencode(record.pw_name)).account
        self.assertEqual((account.uid, account.home), (os.getuid(), record.pw_dir))
        self.assertEqual(account.gids[0], record.pw_gid)

    def test_deny(self) -> None:
        """
        Either stage can say no.
        """
        self.service("deny", "pam_deny.so", "pam_permit.so")
        self.assertIs(self.look("deny").kind, REFUSED)
        self.service("account", "pam_permit.so", "pam_deny.so")
        verdict = self.look("account")
        self.assertIs(verdict.kind, DENIED)
        self.assertIn("PAM, account", verdict.why)

    def test_missingModule(self) -> None:
        """
        A module that isn't there is no wrong password.
        """
        self.service("missing", "pam_nonesuch.so", "pam_permit.so")
        verdict = self.look("missing")
        self.assertEqual((verdict.kind, verdict.why), (UNSURE, NO_MODULE))

    def exec(self, name: bytes, password: bytes, peer: str | None) -> str:
        """
        Have a program see what modules see.

        @return: its environment, and the password.
        """
        seen, program = self.confdir / "seen", self.confdir / "program"
        program.write_text(f"#!/bin/sh\n(env; printf 'password='; cat) >{seen}\n")
        program.chmod(0o700)
        self.service("exec", f"pam_exec.so expose_authtok {program}", "pam_permit.so")
        pam = PAM("exec", str(self.confdir))
        self.assertIs(pam.lookUp(name, password, peer).kind, ACCEPTED)
        return seen.read_bytes().decode("latin-1")

    def test_told(self) -> None:
        """
        Modules get the service, the name, the password in whatever bytes, and the
        client's address if it is known.
        """
        seen = self.exec(b"alice", b"pa\xdfw\xf6rt", "192.0.2.7")
        self.assertTrue(seen.rstrip("\0").endswith("password=pa\xdfw\xf6rt"))
        variables = seen.split("\n")
        for variable in (
            "PAM_USER=alice",
            "PAM_SERVICE=exec",
            "PAM_TTY=exec",
            "PAM_RHOST=192.0.2.7",
        ):
            self.assertIn(variable, variables)
        self.assertNotIn("RHOST", self.exec(b"alice", b"x", None))
        self.assertIn("PAM_RHOST=2001:db8::1\n", self.exec(b"alice", b"x", "2001:db8::1"))

    def test_longestPassword(self) -> None:
        """
        A password as long as modules take it arrives whole.
        """
        password = b"x" * PAMChecker.longestPassword
        seen = self.exec(b"alice", password, None)
        self.assertIn("password=" + password.decode(), seen)

    def test_delay(self) -> None:
        """
        The delay after a failure isn't slept through but told; after a success there
        is none.
        """
        lines = (
            "auth required pam_faildelay.so delay=600000000\n"
            "auth required {}\naccount required pam_permit.so\n"
        )
        (self.confdir / "slow").write_text(lines.format("pam_deny.so"))
        verdict = self.look("slow")
        self.assertIs(verdict.kind, REFUSED)
        # libpam varies it by up to a half.
        self.assertTrue(300 <= verdict.delay <= 900, verdict.delay)
        (self.confdir / "slow").write_text(lines.format("pam_permit.so"))
        verdict = self.look("slow")
        self.assertEqual((verdict.kind, verdict.delay), (ACCEPTED, 0))

    def test_anotherName(self) -> None:
        """
        The name that PAM hands back is the account's, whichever stage changes it.
        """
        module = self.module()
        self.service("auth", f"{module} user=root", "pam_permit.so")
        self.service("account", "pam_permit.so", f"{module} user=root")
        for service in ("auth", "account"):
            verdict = self.look(service)
            self.assertEqual((verdict.kind, verdict.name), (ACCEPTED, b"root"))
            self.assertEqual(verdict.account.uid, 0)
        self.service("denied", f"{module} user=root", "pam_deny.so")
        self.assertEqual(self.look("denied").name, b"root")

    def ask(self, styles: str) -> list[str] | None:
        """
        Have a module ask.

        @param styles: how, by the numbers of pam_conv(3).

        @return: what it was answered; L{None} if nothing.
        """
        answers = self.confdir / "answers"
        answers.write_text("")
        ask = f"{self.module()} ask={styles} {answers}"
        self.service("asking", ask, "pam_permit.so")
        verdict = self.look("asking")
        self.assertIn(verdict.kind, (ACCEPTED, UNSURE))
        if verdict.kind is UNSURE:
            return None
        return answers.read_text().splitlines()

    def test_prompts(self) -> None:
        """
        A prompt without echo is answered with the password, one with echo with the
        name, as often as it comes; texts are taken note of.
        """
        self.assertEqual(self.ask("1"), ["sesame"])
        self.assertEqual(self.ask("2"), ["alice"])
        self.assertEqual(self.ask("41312"), ["-", "sesame", "-", "sesame", "alice"])
        self.assertEqual(self.ask("1" * 32), ["sesame"] * 32)

    def test_oddPrompts(self) -> None:
        """
        What nobody can answer is answered with an error.
        """
        for styles in ("7", "17", "0"):
            self.assertIsNone(self.ask(styles))

    def test_noMemory(self) -> None:
        """
        So it is if there is no memory for an answer.
        """
        login = _pam._Login(b"alice", b"sesame")

        class Library:
            """
            A C library without memory.
            """

            def calloc(self, number: int, size: int) -> None:
                """
                Find none.
                """

        self.patch(login, "_library", Library())
        message = _pam._Message(1, b"Password:")
        messages = (ctypes.POINTER(_pam._Message) * 1)(ctypes.pointer(message))
        answer = (ctypes.c_void_p * 1)()
        self.assertEqual(login._answer(1, messages, answer, None), _pam._CONV_ERR)
        self.patch(login, "_library", Refusing(ctypes.CDLL(None), "strdup", None))
        login._library.calloc.restype = ctypes.c_void_p
        self.assertEqual(login._answer(1, messages, answer, None), _pam._CONV_ERR)

    def test_nonsense(self) -> None:
        """
        So it is with prompts that aren't there: nothing is raised into libpam.
        """
        login = _pam._Login(b"alice", b"sesame")
        nothing = ctypes.POINTER(ctypes.POINTER(_pam._Message))()
        answer = (ctypes.c_void_p * 1)()
        self.assertEqual(login._answer(1, nothing, answer, None), _pam._CONV_ERR)

    def test_flags(self) -> None:
        """
        Modules are told to be silent, and to take no empty password.
        """
        flags = self.confdir / "seen"
        module = f"{self.module()} flags={flags}"
        self.service("flags", module, module)
        self.look("flags")
        # PAM_SILENT and PAM_DISALLOW_NULL_AUTHTOK of Linux-PAM.
        self.assertEqual(set(flags.read_text().split()), {str(0x8000 | 1)})
        self.assertEqual(flags.read_text().count("\n"), 2)

    def test_ends(self) -> None:
        """
        However it ends, modules are told so, with the last result.
        """
        ends = self.confdir / "seen"
        module = f"{self.module()} end={ends}"
        for account, code in [("pam_permit.so", 0), ("pam_debug.so acct=perm_denied", 6)]:
            self.service("end", module, account)
            self.look("end")
            self.assertEqual(ends.read_text().splitlines()[-1], str(code))

    def test_itemRefused(self) -> None:
        """
        If the modules can't be told something, nobody is let in.
        """
        pam = PAM("permit", str(self.confdir))
        self.patch(pam, "_library", Refusing(pam._library, "pam_set_item"))
        self.assertRaises(OSError, pam.lookUp, b"alice", b"sesame", "192.0.2.7")

    def test_oddPeer(self) -> None:
        """
        A peer that isn't written in ASCII is told as well as can be.
        """
        self.assertIn("PAM_RHOST=h?st\n", self.exec(b"alice", b"x", "h\u00f6st"))

    def test_many(self) -> None:
        """
        One login after another, and each begins anew.
        """
        pam = PAM("permit", str(self.confdir))
        self.service("deny", "pam_deny.so", "pam_permit.so")
        deny = PAM("deny", str(self.confdir))
        for _ in range(50):
            self.assertIs(pam.lookUp(b"alice", b"x").kind, ACCEPTED)
            self.assertIs(deny.lookUp(b"alice", b"x").kind, REFUSED)

    @given(strategies.binary(min_size=1), strategies.binary(), strategies.text())
    def test_anything(self, name: bytes, password: bytes, peer: str) -> None:
        """
        Whatever bytes there are, without NUL, PAM looks at them.
        """
        pam = PAM("permit", str(self.confdir))
        name = name.replace(b"\0", b"0")
        verdict = pam.lookUp(name, password.replace(b"\0", b"0"), peer.replace("\0", "0"))
        self.assertEqual((verdict.kind, verdict.name), (ACCEPTED, name))


class Refusing:
    """
    A library of which one function fails.
    """

    def __init__(self, library: Any, function: str, result: Any = 4) -> None:
        self._library = library
        setattr(self, function, lambda *arguments: result)

    def __getattr__(self, name: str) -> Any:
        return getattr(self._library, name)


NO_MODULE = "PAM, auth: Module is unknown"


class ServiceTests(Services, SynchronousTestCase):
    """
    Tests for what is wrong with a service.
    """

    def test_noService(self) -> None:
        """
        A service without a file is named: libpam would take another one for it.
        """
        error = self.assertRaises(ValueError, PAM, "nonesuch")
        self.assertIn("/etc/pam.d/nonesuch", str(error))
        error = self.assertRaises(ValueError, PAM, "nonesuch", str(self.confdir))
        self.assertIn(str(self.confdir / "nonesuch"), str(error))

    def test_noName(self) -> None:
        """
        What is no name of a service leads to no file.
        """
        (self.confdir / "Upper").write_text("")
        for name in ("", "Upper", "../permit", "a/b", ".", "..", "-x", "a b", "ä", "a\n"):
            error = self.assertRaises(ValueError, checkService, name, str(self.confdir))
            self.assertIn("lower case", str(error))

    def test_lines(self) -> None:
        """
        Lines end where libpam has them end, and words part at its blanks: what stands
        in a comment is no line.
        """
        service = self.confdir / "lines"
        both = b"%s required pam_permit.so%s"
        for end, isWhole in ((b"\n", True), (b"\r\n", True), (b"\r", False)):
            lines = [both % (kind, end) for kind in (b"#", b"\tAuth", b"account")]
            service.write_bytes(b"".join(lines) + b"\n")
            if isWhole:
                checkService("lines", str(self.confdir))
            else:
                self.assertRaises(ValueError, checkService, "lines", str(self.confdir))
        service.write_bytes(b"auth\x0brequired x\naccount\x0crequired x\n")
        self.assertRaises(ValueError, checkService, "lines", str(self.confdir))

    def test_folder(self) -> None:
        """
        A folder is no service.
        """
        (self.confdir / "folder").mkdir()
        self.assertRaises(ValueError, PAM, "folder", str(self.confdir))

    def test_oldLibrary(self) -> None:
        """
        A folder of its own needs a libpam that knows that.
        """

        class Old:
            """
            A library without that function.
            """

        self.patch(_pam, "_load", Old)
        error = self.assertRaises(ValueError, PAM, "permit", str(self.confdir))
        self.assertIn("1.4", str(error))

    def test_cannotBegin(self) -> None:
        """
        If PAM can't begin, nobody can tell.
        """
        pam = PAM("permit", str(self.confdir))
        self.patch(pam, "_library", Refusing(pam._library, "pam_start_confdir"))
        self.assertRaises(OSError, pam.lookUp, b"alice", b"sesame")

    def test_nameNotHandedBack(self) -> None:
        """
        If PAM doesn't hand back a name, the one that was typed is meant.
        """
        pam = PAM("permit", str(self.confdir))
        self.patch(pam, "_library", Refusing(pam._library, "pam_get_item"))
        self.assertEqual(pam.lookUp(b"alice", b"sesame").name, b"alice")

    def test_vendor(self) -> None:
        """
        Services of the distribution count, too.
        """
        self.assertRaises(ValueError, checkService, "permit")
        self.patch(_pam, "_DIRECTORIES", ("/nowhere", str(self.confdir)))
        checkService("permit")

    def test_noLibrary(self) -> None:
        """
        Without Linux-PAM that is what is told.
        """

        def missing(name: str) -> Any:
            raise OSError(name)

        self.patch(ctypes, "CDLL", missing)
        error = self.assertRaises(ValueError, PAM, "permit", str(self.confdir))
        self.assertIn("libpam.so.0", str(error))

    def test_vanished(self) -> None:
        """
        A service that is gone lets nobody in.
        """
        self.service("other", "pam_deny.so", "pam_deny.so")
        pam = PAM("permit", str(self.confdir))
        Path(self.confdir / "permit").unlink()
        self.assertIs(pam.lookUp(b"alice", b"sesame").kind, REFUSED)
        Path(self.confdir / "other").unlink()
        try:
            kind = pam.lookUp(b"alice", b"sesame").kind
        except OSError:
            kind = UNSURE
        self.assertIsNot(kind, ACCEPTED)
