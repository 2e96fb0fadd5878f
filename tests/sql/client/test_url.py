"""
Tests for URLs of databases.
"""

from __future__ import annotations

from hypothesis import given, strategies as st

from twisted.trial.unittest import SynchronousTestCase

from mycred._sql.client import DatabaseURL

SECRET = "Zq7"


class URLTests(SynchronousTestCase):
    """
    Tests for L{DatabaseURL}.
    """

    def refuses(self, text: str, why: str, password: str | None = None) -> None:
        """
        Assert that a URL is refused, by a text that doesn't show its password.
        """
        with self.assertRaisesRegex(ValueError, why) as caught:
            DatabaseURL.parse(text, password)
        self.assertNotIn(SECRET, str(caught.exception))

    def test_files(self) -> None:
        """
        The URL of an SQLite file holds a path, relative or absolute.
        """
        for rest, path in (
            ("/a.db", "a.db"),
            ("//srv/a.db", "/srv/a.db"),
            ("//srv/a%20b%3F.db", "/srv/a b?.db"),
        ):
            url = DatabaseURL.parse(f"sqlite://{rest}")
            self.assertEqual((url.dialect, url.path), ("sqlite", path))
        self.assertEqual(DatabaseURL.ofFile("/srv/100%.db").path, "/srv/100%.db")

    def test_noFiles(self) -> None:
        """
        A URL of SQLite without a path, with arguments or with a password is refused.
        """
        for text in ("sqlite://", "sqlite:///", "sqlite://host/x", "sqlite:///a%00b"):
            self.refuses(text, "such as sqlite:////srv")
        self.refuses("sqlite:///a?mode=ro", "no arguments")
        self.refuses("sqlite:///a", "no password", SECRET)

    def test_dialects(self) -> None:
        """
        The kind of database doesn't depend on the driver, and MariaDB is MySQL.
        """
        for scheme, dialect, driver in (
            ("postgresql", "postgresql", "psycopg"),
            ("postgres", "postgresql", "psycopg"),
            ("postgresql+psycopg", "postgresql", "psycopg"),
            ("mysql", "mysql", "pymysql"),
            ("mariadb", "mysql", "pymysql"),
            ("mariadb+pymysql", "mysql", "pymysql"),
        ):
            url = DatabaseURL.parse(f"{scheme}://u@h/d")
            self.assertEqual(url.dialect, dialect)
            self.assertEqual(url.url.get_driver_name(), driver)

    def test_password(self) -> None:
        """
        The password is in the URL or given apart, and not both.
        """
        url = DatabaseURL.parse("postgresql://u@h/d", SECRET)
        self.assertEqual((url.url.password, url.hasPassword), (SECRET, False))
        url = DatabaseURL.parse(f"postgresql://u:{SECRET}@h/d")
        self.assertEqual((url.url.password, url.hasPassword), (SECRET, True))
        self.assertTrue(DatabaseURL.parse(f"mysql://u@h/d?passwd={SECRET}").hasPassword)
        for text in ("postgresql://u:x@h/d", "postgresql://u@h/d?password=x"):
            self.refuses(text, "given apart", SECRET)

    def test_shown(self) -> None:
        """
        What is shown says where the server is, and holds no password.
        """
        for text, shown in (
            (f"postgresql://u:{SECRET}@h:5/d", "postgresql://u@h:5/d"),
            (f"postgresql://u@h/d?password={SECRET}", "postgresql://u@h/d"),
            (f"mysql://u@h/d?passwd={SECRET}&ssl_ca=/x", "mysql://u@h/d"),
            (
                f"postgresql://u:{SECRET}@/d?host=/run/postgresql&sslpassword={SECRET}",
                "postgresql://u@/d?host=/run/postgresql",
            ),
            (
                f"mysql://u:{SECRET}@/d?unix_socket=/run/s",
                "mysql://u@/d?unix_socket=/run/s",
            ),
        ):
            url = DatabaseURL.parse(text)
            self.assertEqual(str(url), shown)
            self.assertNotIn(SECRET, repr(url))

    def test_atSign(self) -> None:
        """
        A password with an @ that isn't quoted would be shown as part of the host.
        """
        self.refuses(f"postgresql://u:p@{SECRET}@h/d", "%40")

    def test_charset(self) -> None:
        """
        Connections speak UTF-8, whatever the server's default: in another charset of
        MySQL's a value could end its own quotes.
        """
        self.assertEqual(DatabaseURL.parse("mysql://h/d").url.query["charset"], "utf8mb4")
        self.refuses("mysql://h/d?charset=gbk", "charset must be utf8mb4")
        self.refuses("postgresql://h/d?client_encoding=latin1", "must be utf8")

    def test_unknown(self) -> None:
        """
        What is no URL, of an unknown database, or of a driver that takes asyncio is
        refused.
        """
        self.refuses("", "write a URL")
        self.refuses(f"u:{SECRET}@h/d", "write a URL")
        self.refuses(f"postgresql://u:{SECRET}@h:port/d", "no URL of a database")
        self.refuses(f"nosuch://u:{SECRET}@h/d", "knows no nosuch")
        self.refuses("postgresql+asyncpg://u@h/d", "asyncio")

    def test_port(self) -> None:
        """
        A port is a number that a port can have.
        """
        for port in (0, 65536, 99999):
            self.refuses(f"mysql://u:{SECRET}@h:{port}/d", "from 1 to 65535")
        DatabaseURL.parse("mysql://u@h:65535/d")

    def test_several(self) -> None:
        """
        A comma or a space after a URL, with another one or nothing behind it, isn't taken
        for a part of the database's name.
        """
        url = "postgresql://u@h/d"
        for more in (",", ";", f",{url}", f" {url}", f"\n{url}"):
            self.refuses(f"{url}{more}", "write one URL")
        self.assertEqual(DatabaseURL.parse("sqlite:////srv/a, b.db").path, "/srv/a, b.db")
        DatabaseURL.parse("postgresql://u@/d?host=h1,h2")

    def test_missingDriver(self) -> None:
        """
        A driver that isn't installed is an L{ImportError} that names it.
        """
        with self.assertRaisesRegex(ImportError, "oracledb|cx_Oracle"):
            DatabaseURL.parse("oracle://u@h/d")

    @given(
        st.one_of(
            st.text(),
            st.builds(
                "{}://{}".format,
                st.sampled_from(["sqlite", "postgresql", "mysql", "mysql+base", "a+b"]),
                st.text(alphabet="u:@/?&=%[]#h1\0é\ud800 +"),
            ),
        ),
        st.one_of(st.none(), st.text()),
    )
    def test_anything(self, text: str, password: str | None) -> None:
        """
        No text raises anything but L{ValueError} and L{ImportError}.
        """
        try:
            url = DatabaseURL.parse(text, password)
        except (ValueError, ImportError):
            return
        self.assertEqual(str(url), url.shown)
