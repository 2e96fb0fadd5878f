"""
Tests for L{mycred._state._redis._url}.
"""

from __future__ import annotations

import os

from hypothesis import given, strategies as st

from twisted.trial.unittest import SynchronousTestCase

from mycred._state._redis import RedisURL

_PIECES = (
    *("redis", "rediss", "redis+unix", "valkey", "http", "://", "//", ":", "@", "/", "?"),
    *("ca=", "db=", "&", "#", "[::1]", "[", "]", "%", "%00", "%2F", "6379", "99999", "0"),
    *("redis.example.org", "user", "sesame", " ", "\n", "\x00", "\u00fc", "\ud800", "²"),
)

_TEXTS = st.one_of(
    st.text(),
    st.lists(st.one_of(st.sampled_from(_PIECES), st.text(max_size=3))).map("".join),
)


class URLTests(SynchronousTestCase):
    """
    Tests for URLs.
    """

    def test_places(self) -> None:
        """
        A URL says where the server is, as whom to log in, and whether by TLS.
        """
        for text, expected in (
            ("redis://redis.example.org/0", ("redis.example.org", 6379, 0, False, None)),
            ("redis://redis.example.org", ("redis.example.org", 6379, 0, False, None)),
            ("valkey://192.0.2.1:7000/12", ("192.0.2.1", 7000, 12, False, None)),
            ("rediss://[2001:db8::1]:7/1", ("2001:db8::1", 7, 1, True, None)),
            ("valkeys://a%40b%3A@h/1", ("h", 6379, 1, True, "a@b:")),
            ("redis:///3", ("localhost", 6379, 3, False, None)),
        ):
            url = RedisURL.parse(text, "sesame")
            found = url.host, url.port, url.database, url.isSecure, url.user
            self.assertEqual(found, expected)
            self.assertEqual(url.password, "sesame")

    def test_socket(self) -> None:
        """
        A socket of this machine has a path, and its database after it.
        """
        url = RedisURL.parse("redis+unix:///run/redis%20one/s?db=3")
        self.assertEqual((url.host, url.path), ("", "/run/redis one/s"))
        self.assertEqual(url.database, 3)
        self.assertFalse(url.isExposed)

    def test_authorities(self) -> None:
        """
        The path of the authorities is one that holds when the directory changes.
        """
        url = RedisURL.parse("rediss://h/0?ca=some/ca.pem")
        self.assertEqual(url.ca, os.path.abspath("some/ca.pem"))

    def test_exposed(self) -> None:
        """
        A server elsewhere that is asked without TLS is known as such.
        """
        for text, isExposed in (
            ("redis://192.0.2.1/0", True),
            ("redis://redis.example.org", True),
            ("rediss://192.0.2.1/0", False),
            ("redis://127.0.0.1/0", False),
            ("redis://[::1]/0", False),
            ("redis://localhost/0", False),
        ):
            self.assertIs(RedisURL.parse(text).isExposed, isExposed, text)

    def test_refused(self) -> None:
        """
        What can't be a URL of a server is refused, with what would be right; what is in
        it isn't repeated.
        """
        for text, why in (
            ("redis://:sesame@h/0", "the password is in the URL"),
            ("redis://user:sesame@h/0", "the password is in the URL"),
            ("redis://user@h/0", "there is a user, and no password"),
            ("redis:sesame", "no URL"),
            ("sesame", "no URL"),
            ("http://sesame/", "no URL"),
            ("redis://h:sesame/0", "no URL"),
            ("redis://h:70000/0", "no URL"),
            ("redis://h:0/0", "a port is a number"),
            ("redis://h/sesame", "a database is a number"),
            ("redis://h/0/sesame", "a database is a number"),
            (
                "redis://h/0?sesame",
                "nothing may follow the database; for TLS write rediss:",
            ),
            (
                "rediss://h/0?sesame=1",
                "write ca= once, and nothing else; write it as rediss:",
            ),
            ("rediss://h/0?ca=a&ca=b", "write ca= once"),
            ("rediss://h/0?ca=%00", "no file has such a path"),
            ("redis://h/0#sesame", "a # in the URL"),
            ("redis://h /0", "there is a space"),
            ("redis://sesa$me/0", "no name of a host"),
            ("redis+unix://h/run/s", "write redis+unix:// and the path"),
            ("redis+unix://", "write redis+unix:// and the path"),
        ):
            error = self.assertRaises(ValueError, RedisURL.parse, text)
            self.assertIn(why, str(error))
            self.assertNotIn("sesame", str(error))

    @given(_TEXTS)
    def test_anything(self, text: str) -> None:
        """
        Whatever it is, it is parsed or refused, and what is shown of it can be printed
        and holds no password.
        """
        try:
            url = RedisURL.parse(text, "the password")
        except ValueError:
            return
        self.assertTrue(str(url).isprintable())
        self.assertNotIn("the password", str(url) + repr(url))
        self.assertTrue(url.host or url.path)
