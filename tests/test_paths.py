"""
Tests for L{mycred._paths}, and for all that takes a path.
"""

from __future__ import annotations

import inspect
import os
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

from twisted.trial.unittest import SynchronousTestCase

from mycred._accounts import AccountRules
from mycred._paths import asPath, asPathOrNone
from mycred.checkers import (
    FilePasswordDB,
    HtdigestChecker,
    HtpasswdChecker,
    PasswdChecker,
    UNIXChecker,
    accountRules,
)
from mycred.checkers.certificates import CertificateChecker
from mycred.checkers.ldap import ldapSettings
from mycred.checkers.sql import sqlSettings
from mycred.checkers.sshkeys import (
    KeyPolicy,
    KeysCommand,
    UNIXAuthorizedKeysFiles,
    checkKeyFiles,
)
from mycred.checkers.tokens import (
    Introspection,
    KeyFile,
    KeyURL,
    OAuthClient,
    TokenRules,
)
from mycred.conch import hostKeyIn
from mycred.credentials import UsernamePassword
from mycred.error import TemporaryFailure
from mycred.sasl import secretIn
from mycred.sharedstate import openState
from mycred.stack import AuditFile, readStack
from mycred.tls import TLSOptions

from .kit.names import publicModules, quietly
from .kit.tlspeers import ClientAuthority
from .kit.tokens import ECSigner, keySet

#: What the parameters that take a path are called.
NAMES = {
    "ca",
    "certKey",
    "clientCA",
    "command",
    "confdir",
    "crl",
    "extraCertChain",
    "filename",
    "files",
    "group",
    "map",
    "nologin",
    "passwd",
    "path",
    "principals",
    "privateKey",
    "revoked",
    "shadow",
    "shells",
}


class Like:
    """
    What is like a path, and nothing else.
    """

    def __init__(self, path: str) -> None:
        self.path = path

    def __fspath__(self) -> str:
        return self.path


class LikeBytes(Like):
    """
    The same, in bytes.
    """

    def __fspath__(self) -> Any:
        return os.fsencode(self.path)


#: The forms that a path may have.
FORMS: list[Callable[[str], Any]] = [str, os.fsencode, Path, Like, LikeBytes]


def parameters() -> Iterator[tuple[str, Any, str, Any]]:
    """
    Walk through the parameters of all that is public: the name of what has it, that
    itself, its own name, and its annotation.
    """
    for module in publicModules():
        for name in getattr(module, "__all__", ()):
            value = quietly(module, name)
            if not callable(value) or not str(value.__module__).startswith("mycred"):
                continue
            try:
                signature = inspect.signature(value)
            except (TypeError, ValueError):
                continue
            for one in signature.parameters.values():
                yield name, value, one.name, one.annotation


class PathTests(SynchronousTestCase):
    """
    Tests for L{asPath}.
    """

    def test_forms(self) -> None:
        """
        Every form of a path is the same text, also of one that isn't UTF-8.
        """
        for path in ("/etc/x", "a b", os.fsdecode(b"/tmp/\xff\xe9")):
            for form in FORMS:
                self.assertEqual(asPath(form(path)), path)
                self.assertEqual(asPathOrNone(form(path)), path)
        self.assertIsNone(asPathOrNone(None))

    def test_others(self) -> None:
        """
        What is no path is a TypeError that says what one is.
        """
        for other in (7, None, ["x"], object()):
            error = self.assertRaises(TypeError, asPath, other)
            self.assertIn("os.PathLike", str(error))


class TakenTests(SynchronousTestCase):
    """
    Tests for everything that takes a path.
    """

    def setUp(self) -> None:
        self.folder = Path(self.mktemp()).resolve()
        self.folder.mkdir()

    def write(self, name: str, content: bytes) -> str:
        """
        Write a file, whose name isn't UTF-8.
        """
        path = self.folder / os.fsdecode(name.encode("ascii") + b"-\xe9")
        path.write_bytes(content)
        path.chmod(0o600)
        return str(path)

    def login(self, checker: Any) -> Any:
        """
        Log in.
        """
        presented = UsernamePassword(b"alice", b"sesame")
        return self.successResultOf(checker.requestAvatarId(presented))

    def test_allAreKnown(self) -> None:
        """
        Every public parameter that takes a path takes any path, and those are tested
        here.
        """
        taken = set()
        for name, value, parameter, annotation in parameters():
            if "AnyPath" in str(annotation):
                taken.add((name, parameter))
            elif parameter in NAMES and name != "KeyOptions":
                isText = "str" in str(annotation)
                self.assertFalse(isText, f"{value.__module__}.{name}({parameter}=)")
        self.assertEqual(
            taken,
            {
                ("AccountRules", "nologin"),
                ("AccountRules", "shells"),
                ("AuditFile", "path"),
                ("CertificateChecker", "ca"),
                ("CertificateChecker", "crl"),
                ("CertificateChecker", "map"),
                ("FilePasswordDB", "filename"),
                ("HtdigestChecker", "path"),
                ("HtpasswdChecker", "path"),
                ("Introspection", "ca"),
                ("KeyFile", "path"),
                ("KeyURL", "ca"),
                ("KeysCommand", "command"),
                ("OnDiskUsernamePasswordDatabase", "filename"),
                ("PAMChecker", "confdir"),
                ("PasswdChecker", "group"),
                ("PasswdChecker", "passwd"),
                ("PasswdChecker", "shadow"),
                ("TLSOptions", "certKey"),
                ("TLSOptions", "clientCA"),
                ("TLSOptions", "crl"),
                ("TLSOptions", "extraCertChain"),
                ("TLSOptions", "privateKey"),
                ("UNIXAuthorizedKeysFiles", "ca"),
                ("UNIXAuthorizedKeysFiles", "files"),
                ("UNIXAuthorizedKeysFiles", "principals"),
                ("UNIXAuthorizedKeysFiles", "revoked"),
                ("UNIXChecker", "shadow"),
                ("accountRules", "group"),
                ("checkKeyFiles", "ca"),
                ("checkKeyFiles", "revoked"),
                ("hostKeyIn", "path"),
                ("ldapSettings", "given"),
                ("openState", "passwordfile"),
                ("readStack", "path"),
                ("sqlSettings", "given"),
                ("secretIn", "path"),
            },
        )

    def test_passwords(self) -> None:
        """
        Checkers of files with passwords take every form, and the file that it names lets
        somebody in.
        """
        plain = self.write("plain", b"alice:sesame\n")
        hashed = self.write("hashed", b"alice:{PLAIN}sesame\n")
        for form in FORMS:
            for cache in (False, True):
                database = FilePasswordDB(form(plain), cache=cache)
                self.assertEqual(self.login(database), b"alice")
                self.assertEqual(database.getUser(b"alice"), (b"alice", b"sesame"))
            checker = HtpasswdChecker(form(hashed), plaintext=True)
            self.assertEqual(self.login(checker), b"alice")

    def test_digest(self) -> None:
        """
        So does the checker of HTTP Digest, whose realm may be text.
        """
        digest = b"939e7578ed9e3c518a452acee763bce9"
        path = self.write("digest", "alice:Müller:".encode() + digest + b"\n")
        for form in FORMS:
            for realm in ("Müller", "Müller".encode()):
                checker = HtdigestChecker(form(path), realm)
                self.assertEqual(checker.realm, "Müller".encode())
                self.assertEqual(checker.realms(), {"Müller".encode()})
                entry = checker._store.store.find(b"alice")
                assert entry is not None
                self.assertEqual(entry.secret, digest)

    def test_accounts(self) -> None:
        """
        So do the checkers of accounts, and their rules.
        """
        passwd = self.write("passwd", b"alice:x:1000:1000::/home:/bin/sh\n")
        shadow = self.write("shadow", b"alice:" + SESAME + b":19000:0:99999:7:::\n")
        group = self.write("group", b"staff:x:1000:alice\n")
        shells = self.write("shells", b"/bin/sh\n")
        nologin = str(self.folder / "nologin")
        for form in FORMS:
            made = accountRules(groups=("staff",), group=form(group))
            self.assertEqual(made.groups, ("staff",))
            rules = AccountRules([form(nologin)], form(shells), groups=("staff",))
            self.assertEqual((rules.nologin, rules.shells), ((nologin,), shells))
            paths = form(passwd), form(shadow), form(group)
            checker = PasswdChecker(*paths, rules, mustWork=True)
            self.assertEqual(self.login(checker), b"alice")
            unix: Any = UNIXChecker(shadow=form(shadow))
            self.assertEqual(unix._shadow, shadow)
        self.assertRaises(TypeError, AccountRules, b"/etc/nologin")
        self.assertRaises(TypeError, AccountRules, Path("/etc/nologin"))

    def test_keys(self) -> None:
        """
        So does what knows the keys of users.
        """
        for form in FORMS:
            for files in (form("%h/keys"), [form("%h/keys")]):
                keys: Any = UNIXAuthorizedKeysFiles(
                    files=files,
                    ca=form("/etc/ca"),
                    revoked=form("/etc/revoked"),
                    principals=form("%h/principals"),
                )
                known = keys._authority._files
                self.assertEqual(
                    tuple(known),
                    (("%h/keys",), "/etc/ca", "/etc/revoked", "%h/principals", True),
                )

    def test_keyFiles(self) -> None:
        """
        So does what insists on files of authorities and revoked keys.
        """
        empty = self.write("empty", b"")
        for form in FORMS:
            checkKeyFiles(None, form(empty), KeyPolicy())
            error = self.assertRaises(
                ValueError, checkKeyFiles, form(empty), None, KeyPolicy()
            )
            self.assertIn(f"there is no key in {empty}", str(error))

    def test_command(self) -> None:
        """
        So does a program that knows keys: what isn't text has no arguments.
        """
        user = None if os.geteuid() else "nobody"
        self.assertEqual(KeysCommand("/bin/echo %u", user).path, "/bin/echo")
        for form in FORMS[1:]:
            self.assertEqual(KeysCommand(form("/bin/echo"), user).path, "/bin/echo")
        spaced = Path("/bin/echo %u")
        error = self.assertRaises(OSError, KeysCommand, spaced, user)
        self.assertIn("/bin/echo %u", str(error))

    def test_hostKey(self) -> None:
        """
        So does what reads a host key.
        """
        for number, form in enumerate(FORMS):
            path = str(self.folder / f"key{number}")
            made = hostKeyIn(form(path))
            self.assertEqual(made, hostKeyIn(path))

    def test_ldap(self) -> None:
        """
        So do the settings of a directory, where a file is meant.
        """
        secret = self.write("secret", b"sesame\n")
        given: dict[str, Any] = {"host": "127.0.0.1", "base": "dc=example"}
        given.update(binddn="cn=svc,dc=example", tls="none")
        for form in FORMS:
            settings = ldapSettings(**given, bindpwfile=form(secret))
            self.assertEqual(settings.account[1], b"sesame")
        self.assertRaises(ValueError, ldapSettings, host=Path("127.0.0.1"))

    def test_sql(self) -> None:
        """
        So do the settings of a database, where a file is meant.
        """
        secret = self.write("secret", b"sesame\n")
        query = "select name, password from users where name = :username"
        given: dict[str, Any] = {"url": "postgresql://myapp@127.0.0.1/a", "query": query}
        for form in FORMS:
            settings = sqlSettings(**given, passwordfile=form(secret))
            self.assertEqual(settings.urls[0].url.password, "sesame")
        given["query"] = Path(secret)
        self.assertRaises(ValueError, sqlSettings, **given)

    def test_certificates(self) -> None:
        """
        So does what knows certificates: its own, those of clients and of other servers.
        """
        authority = ClientAuthority(self.folder)
        names = authority.pair()
        own = [self.write(name.name, name.read_bytes()) for name in names]
        crl = self.write("crl", authority.revoke())
        account = self.write("map", b"alice alice\n")
        for form in FORMS:
            ca, key = map(form, own)
            TLSOptions(key, ca, ca, "required", ca, form(crl)).contextFactory()
            checker = CertificateChecker(ca, crl=form(crl), map=form(account))
            self.assertEqual(set(checker.opensLater), {own[0], crl, account})
            client = OAuthClient("mail", "sesame")
            Introspection("https://localhost/", client, TokenRules("sub"), ca=ca)
            KeyURL("https://localhost/", ca=ca)

    def test_tokens(self) -> None:
        """
        So does what takes keys of tokens, and what reads the id of this server.
        """
        keys = self.write("keys", keySet(ECSigner().jwk()))
        client = self.write("client", b"mail\nsesame\n")
        for form in FORMS:
            self.assertEqual(KeyFile(form(keys)).opensLater, (keys,))
            self.assertEqual(OAuthClient.inFile(form(client)).id, "mail")

    def test_secret(self) -> None:
        """
        So does what reads the secret of the site.
        """
        path = self.write("secret", b"s" * 32)
        for number, form in enumerate(FORMS):
            self.assertEqual(secretIn(form(path)), b"s" * 32)
            made = str(self.folder / f"made{number}")
            self.assertEqual(secretIn(form(made)), secretIn(made))

    def test_stack(self) -> None:
        """
        So does what reads the file of a stack, and what it has.
        """
        path = self.write("login.ini", b"[stack]\ncheckers = memory:alice:sesame\n")
        empty, log = self.write("empty", b""), self.write("log", b"")
        for form in FORMS:
            self.assertEqual(self.login(readStack(form(path))), b"alice")
            self.assertEqual(AuditFile(form(log)).path, log)
            error = self.assertRaises(
                ValueError, openState, "redis://127.0.0.1/0", form(empty)
            )
            self.assertIn(empty, str(error))

    def test_messages(self) -> None:
        """
        A file that can't be read is named as text in the log, whatever form it has.
        """
        missing = str(self.folder / "missing")
        for form in FORMS:
            login = FilePasswordDB(form(missing)).requestAvatarId(
                UsernamePassword(b"alice", b"sesame")
            )
            self.failureResultOf(login, TemporaryFailure)

    def test_noPath(self) -> None:
        """
        What is no path is told when a checker is made, where Twisted's isn't made so.
        """
        for make in (HtpasswdChecker, PasswdChecker, hostKeyIn):
            self.assertRaises(TypeError, make, 7.5)
        # As in Twisted: a program that overrides getUser gives none.
        FilePasswordDB(None)  # type: ignore[arg-type]


#: openssl passwd -6 -salt saltsalt sesame
SESAME = (
    b"$6$saltsalt$g3uPFdehVnKoLXdidvSAg1zlVgYomPr0X/xgdXSBn2LuxZUOGgYW4IULZkguZ77fzYte"
    b"Iur49AGHmF9iek6Sf1"
)
