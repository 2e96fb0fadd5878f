"""
Tests for L{mycred._tokens._url}.
"""

from __future__ import annotations

import contextlib

from hypothesis import given, strategies

from twisted.trial.unittest import SynchronousTestCase

from mycred._tokens import serverURL


class ServerURLTests(SynchronousTestCase):
    """
    Tests for L{serverURL}.
    """

    def test_good(self) -> None:
        """
        A URL with TLS, or on this machine, is taken as it is.
        """
        for url in (
            "https://idp.example.org/introspect",
            "https://idp.example.org:8443/a?b=c",
            "https://[2001:db8::1]/a",
            "http://127.0.0.1:8080/a",
            "http://127.1.2.3/a",
            "http://[::1]/a",
            "http://localhost/a",
        ):
            self.assertEqual(serverURL(url), url)

    def test_refused(self) -> None:
        """
        What would send tokens in clear text, shows a password or is no URL is refused.
        """
        for url in (
            "",
            "/a",
            "idp.example.org",
            "ftp://idp.example.org",
            "file:///etc/passwd",
            "https://",
            "https:///a",
            "https://idp.example.org:99999/",
            "https://[::1/",
            "https://me:sesame@idp.example.org/",
            "https://me@idp.example.org/",
            "https://idp.example.org/#a",
            "https://idp.example.org/a b",
            "https://idp.example.org/\r\nX: y",
            "https://idp.example.org/\n",
            "https://idp.example\xe9.org/",
            "http://idp.example.org/",
            "http://10.0.0.1/",
            "http://localhost.example.org/",
            "http://127.0.0.1.example.org/",
            "http://0.0.0.0/",
            "http://2130706433/",
        ):
            self.assertRaises(ValueError, serverURL, url)

    @given(
        strategies.text()
        | strategies.text().map("https://{}".format)
        | strategies.text("htps:/@[]#.1").map("http://{}".format)
    )
    def test_anything(self, text: str) -> None:
        """
        Whatever is written, nothing but L{ValueError} is raised.
        """
        with contextlib.suppress(ValueError):
            self.assertEqual(serverURL(text), text)
