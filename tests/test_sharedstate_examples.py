"""
Tests for C{doc/shared-state.rst}; its settings for Redis are used by
L{tests.state.test_redis}.
"""

from __future__ import annotations

import re

from twisted.trial.unittest import SynchronousTestCase

from mycred._sql.client import DatabaseURL
from mycred._state._outage import _DOWN, LONGEST_WAIT
from mycred._state._redis import SCHEMES, RedisURL

from .kit.examples import ROOT

_PAGE = (ROOT / "doc" / "shared-state.rst").read_text("utf-8")


class PageTests(SynchronousTestCase):
    """
    Tests for what the page says.
    """

    def test_urls(self) -> None:
        """
        Each URL is one, and is shown as it is written, but for what follows the question
        mark.
        """
        urls = re.findall(r"(?:``|= )([a-z+]+://[^`\s]+)", _PAGE)
        self.assertGreater(len(urls), 8)
        for url in urls:
            if url.partition(":")[0] in SCHEMES:
                parsed = RedisURL.parse(url, "sesame")
                shown = url.partition("?")[0]
            else:
                parsed, shown = DatabaseURL.parse(url), url
            self.assertEqual(str(parsed), shown)

    def test_log(self) -> None:
        """
        The log says what the page says that it does.
        """
        name = "rediss://myapp@redis.example.org/0"
        line = _DOWN.format(name=name, reason="it doesn't answer in time")
        self.assertIn(line, _PAGE)
        self.assertIn(f"for {LONGEST_WAIT} seconds at most", _PAGE)
