"""
Tests for state that a Redis server keeps.
"""

from __future__ import annotations

from typing import Any

from twisted.trial.unittest import TestCase

from mycred._state._redis import RedisState

from ..kit.redisserver import RedisServer
from ..kit.statecases import StateCases


class CasesTests(StateCases, TestCase):
    """
    What each home must do.
    """

    def setUp(self) -> Any:
        """
        Use the server that most tests share.
        """
        super().setUp()
        self.state = RedisState(RedisServer.of().url, timeout=30)
        self.addCleanup(self.state.close)

    def advance(self, seconds: float) -> None:
        """
        Set the clock forward.
        """
        self.state._calls.ahead += int(seconds * 1_000_000)
