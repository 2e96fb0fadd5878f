"""
Tests for L{mycred._sql._configuration}, L{mycred._sql._options}, L{mycred._sql._settings}
and L{mycred._settingsfile}: the settings of a database of accounts.
"""

from __future__ import annotations

import os
import tempfile
from contextlib import AbstractContextManager, nullcontext
from pathlib import Path
from shutil import rmtree
from typing import Any

from hypothesis import given, strategies as st

from twisted.trial.unittest import SynchronousTestCase

from mycred._sql._names import Names
from mycred.checkers.sql import SQLSettings, readSettings, sqlOptions, sqlSettings
from mycred.strcred import InvalidAuthArgumentString

QUERY = "select name, password from users where name = :username"
URL = "postgresql://myapp@db.example.org/accounts"


class SettingsTestCase(SynchronousTestCase):
    """
    Base of the tests below.
    """

    def setUp(self) -> None:
        self.home = Path(tempfile.mkdtemp())
        self.addCleanup(rmtree, self.home)

    def write(self, text: str | bytes, name: str = "a.ini", mode: int = 0o600) -> str:
        """
        Write a file, and return its path.
        """
        path = self.home / name
        path.write_bytes(text if isinstance(text, bytes) else text.encode())
        os.chmod(path, mode)
        return str(path)

    def read(self, *lines: str, mode: int = 0o600) -> SQLSettings:
        """
        Return the settings in a file of these lines.
        """
        return readSettings(self.write("\n".join(["[sql]", *lines, ""]), mode=mode))

    def assertWrong(self, text: str, *lines: str, mode: int = 0o600) -> None:
        """
        Insist on an error that begins with the path, and goes on with a text.
        """
        with self.assertRaises(InvalidAuthArgumentString) as raised:
            self.read(*lines, mode=mode)
        self.assertEqual(
            str(raised.exception)[: len(f"config: {self.home}/a.ini: {text}")],
            f"config: {self.home}/a.ini: {text}",
        )


class FileTests(SettingsTestCase):
    """
    Tests for settings in a file.
    """

    def test_least(self) -> None:
        """
        A URL and a query are enough; nobody needs to be kept from reading them.
        """
        settings = self.read(f"url = {URL}", f"query = {QUERY}", mode=0o644)
        self.assertEqual([str(url) for url in settings.urls], [URL])
        self.assertEqual(settings.query, QUERY)
        self.assertEqual(settings[2:], (None, Names(), 10.0, 4))

    def test_all(self) -> None:
        """
        A file may have all of the keys; statements and URLs may have several lines, with
        comments of SQL and of the file.
        """
        password = self.write("secret: %40 100%\n", "password")
        settings = self.read(
            "# accounts",
            "url = postgresql://myapp@a/accounts",
            "    postgresql://myapp@b:5433/accounts",
            f"passwordfile = {password}",
            "query = select name, -- what: is it",
            "    password from users",
            "    # not this one",
            "    where name = :username and role <> 'a;b:c';",
            "update = update users set password = :password where name = :name;",
            "case = fold",
            "realm = Example.org",
            "timeout = 2.5",
            "connections = 8",
        )
        self.assertEqual(
            [str(url) for url in settings.urls],
            ["postgresql://myapp@a/accounts", "postgresql://myapp@b:5433/accounts"],
        )
        self.assertEqual(
            [url.url.password for url in settings.urls], ["secret: %40 100%"] * 2
        )
        self.assertEqual(
            settings.query,
            "select name, -- what: is it\npassword from users\n"
            "where name = :username and role <> 'a;b:c'",
        )
        self.assertEqual(settings.names, Names(True, "example.org"))
        self.assertEqual(settings[4:], (2.5, 8))
        self.assertNotIn("secret", repr(settings))

    def test_password(self) -> None:
        """
        A file whose URL holds a password may not be read by others, and no file may be
        written by them.
        """
        url = URL.replace("myapp@", "myapp:secret@")
        settings = self.read(f"url = {url}", f"query = {QUERY}")
        self.assertEqual(settings.urls[0].url.password, "secret")
        self.assertNotIn("secret", repr(settings))
        for text in (url, f"{URL}?password=secret"):
            self.assertWrong(
                "url: everybody can read or write",
                f"url = {text}",
                f"query = {QUERY}",
                mode=0o644,
            )
        self.assertWrong(
            "everybody can write to it", f"url = {URL}", f"query = {QUERY}", mode=0o602
        )
        public = self.write("secret", "public", mode=0o644)
        self.assertWrong(
            "passwordfile: everybody can read or write",
            f"url = {URL}",
            f"query = {QUERY}",
            f"passwordfile = {public}",
        )

    def test_wrong(self) -> None:
        """
        What is missing, unknown, wrong, or can't take effect is told, and not what may be
        a password.
        """
        password = self.write("secret", "password")
        url, query = f"url = {URL}", f"query = {QUERY}"
        own = f"url = {URL.replace('myapp@', 'myapp:secret@')}"
        for text, *lines in (
            ("url: write url=URL", query),
            ("query: write query= too", url),
            ("url: write a URL, such as", "url = accounts", query),
            ("url: write a URL, such as", "url =", query),
            ("url: write a URL", "url = postgresql://my app:secret@h/d", query),
            ("url: that is no URL", "url = postgresql://h:secret/d", query),
            ("url: ", "url = oracle9000://h/d", query),
            ("url: write a URL, such as", url, f"  {query}"),
            ("url: write one URL", f"{url}, {URL}", query),
            ("where a value goes on, begin the li", url, "query =", QUERY),
            ("line 4: write KEY = VALUE", url, "query = select", "from t"),
            ("url: one is there twice", f"{url} {URL}", query),
            ("url: all servers must be of one kind", f"{url} mysql://h/d", query),
            ("url: all servers must be of one kind", f"{url} sqlite:////a", query),
            ("passwordfile: all URLs have", own, query, f"passwordfile = {password}"),
            (
                "passwordfile: SQLite has no passwords",
                "url = sqlite:////a.db",
                query,
                f"passwordfile = {password}",
            ),
            ("passwordfile: /none can't be read", url, query, "passwordfile = /none"),
            ("case: write one of exact, fold", url, query, "case = Fold"),
            ("realm: write what follows the @", url, query, "realm = @example.org"),
            ("realm: write what follows the @", url, query, "realm ="),
            ("timeout: write a number of seconds", url, query, "timeout = 0"),
            ("connections: write a number from 1 to 64", url, query, "connections = 65"),
            ("there is no querry=, did you mean query=?", url, f"querry = {QUERY}"),
            ("there is no config=", url, query, "config = /etc/passwd"),
            ("query: write :username, without", url, "query = select 1"),
            ("query: a value is missing", url, "query ="),
            ("realm: what follows a value is no comment", url, query, "realm = a ; b"),
            ("realm: nothing is quoted", url, query, "realm = 'a'"),
            ("line 3: a key is there twice, first in line 2", url, url),
        ):
            self.assertWrong(text, *lines)

    def test_sections(self) -> None:
        """
        A file has the one section.
        """
        for content in (
            f"url = {URL}\n",
            f"[ldap]\nurl = {URL}\n",
            "[sql]\n[more]\n",
            "",
            "[DEFAULT]\na = b\n[sql]\n",
            b"[sql]\nurl = \xff\n",
            b"[sql]\n" + b"#" * 70_000,
            "[sql]\nurl\n",
        ):
            path = self.write(content)
            with self.assertRaises(InvalidAuthArgumentString):
                readSettings(path)

    def test_notBeside(self) -> None:
        """
        Beside a file nothing else is given; and it must be there.
        """
        path = self.write(f"[sql]\nurl = {URL}\nquery = {QUERY}\n")
        for argstring in (f"{path}:case=fold", f"{self.home}/none", "", "config="):
            with self.assertRaises(InvalidAuthArgumentString):
                readSettings(argstring)

    def test_relative(self) -> None:
        """
        The path of an SQLite file is absolute at once: twistd changes the directory.
        """
        settings = self.read("url = sqlite:///accounts.db", f"query = {QUERY}")
        self.assertEqual(settings.urls[0].path, os.path.abspath("accounts.db"))

    @given(
        st.lists(
            st.tuples(
                st.sampled_from([option.key for option in sqlOptions]) | st.text(),
                st.text()
                | st.sampled_from([QUERY, URL, "sqlite:////a", "1", "fold", ":name"]),
            ),
            max_size=5,
        )
    )
    def test_any(self, pairs: list[tuple[str, str]]) -> None:
        """
        Any file is settings, or an error that says so.
        """
        text = "\n".join(["[sql]", *(f"{key} = {value}" for key, value in pairs)])
        path = self.write(text.encode("utf-8", "surrogatepass"))
        with self.mayFail():
            readSettings(path)

    @given(st.binary())
    def test_anyBytes(self, content: bytes) -> None:
        """
        So are any bytes.
        """
        for start in (b"", b"[sql]\n", f"[sql]\nurl = {URL}\nquery = {QUERY}\n".encode()):
            path = self.write(start + content)
            with self.mayFail():
                readSettings(path)

    def mayFail(self) -> AbstractContextManager[Any]:
        """
        Return a context in which an error may be raised, but no other one.
        """

        class Failing(nullcontext[None]):
            def __exit__(self, kind: Any, *more: object) -> Any:
                return kind is not None and issubclass(kind, InvalidAuthArgumentString)

        return Failing()


class CommandLineTests(SettingsTestCase):
    """
    Tests for settings on a command line.
    """

    def test_right(self) -> None:
        """
        Statements are in files, a colon is escaped, and servers stand between spaces.
        """
        query = self.write(f"\ufeff{QUERY}\n;\n", "q.sql", mode=0o644)
        two = f"{URL} postgresql://other/accounts".replace(":", "\\:")
        settings = readSettings(f"url={two}:query={query}:case=exact:connections=2")
        self.assertEqual(len(settings.urls), 2)
        self.assertEqual(settings.query, QUERY)
        self.assertEqual(settings.connections, 2)

    def test_wrong(self) -> None:
        """
        A password on the command line is refused, and so is a statement that is no file.
        """
        query = self.write(QUERY, "q.sql")
        url = URL.replace(":", "\\:")
        own = url.replace("myapp@", "myapp\\:secret@")
        for argstring, text in (
            (f"url={own}:query={query}", "url: a password on a command line"),
            (
                f"url={url}?password=secret:query={query}",
                "url: a password on a command line",
            ),
            (f"url={url}:query={QUERY.replace(':', chr(92) + ':')}", "query: "),
            (f"url={url}:query={self.home}", "query: "),
            (f"url={url}", "query: write query= too"),
            (f"url={URL}:query={query}", "url: write \\: for each colon"),
            ("postgresql://myapp:secret@h/d", "url: write \\: for each colon"),
            (f"{url}:query={query}", "url: write url= before the URL"),
            (f"{own}:query={query}", "url: write url= before the URL"),
        ):
            with self.assertRaises(InvalidAuthArgumentString) as raised:
                readSettings(argstring)
            self.assertIn(text, str(raised.exception))
            self.assertNotIn("secret", str(raised.exception))
        for content, text in ((b"\xff", "isn't in UTF-8"), (b"a" * 70_000, "too large")):
            path = self.write(content, "q.sql")
            with self.assertRaises(InvalidAuthArgumentString) as raised:
                readSettings(f"url={url}:query={path}")
            self.assertIn(text, str(raised.exception))


class ProgramTests(SettingsTestCase):
    """
    Tests for settings that a program gives.
    """

    def test_right(self) -> None:
        """
        A program gives statements as text, and paths of any kind; a URL may hold a
        password.
        """
        password = Path(self.write("secret", "password"))
        settings = sqlSettings(url=URL, query=QUERY, passwordfile=password)
        self.assertEqual(settings.urls[0].url.password, "secret")
        own = sqlSettings(url=URL.replace("@", ":it@"), query=QUERY, timeout="3")
        self.assertEqual(own.urls[0].url.password, "it")
        self.assertEqual(own.timeout, 3.0)

    def test_wrong(self) -> None:
        """
        What is wrong is a L{ValueError}.
        """
        wrong: list[dict[str, Any]] = [
            {},
            {"url": URL},
            {"url": URL, "query": "select 1"},
            {"url": URL, "query": QUERY, "connections": 3},
            {"url": URL, "query": QUERY, "config": "a"},
        ]
        for given_ in wrong:
            self.assertRaises(ValueError, sqlSettings, **given_)
