"""
Tests for L{mycred._state._process}.
"""

from __future__ import annotations

from twisted.internet.task import Clock
from twisted.trial.unittest import TestCase

from mycred._state import ProcessState
from tests.kit.statecases import StateCases


class ProcessStateCases(StateCases, TestCase):
    """
    The cases of all homes, in this process.
    """

    def setUp(self) -> None:
        """
        Make a state.
        """
        super().setUp()
        self.clock = Clock()
        self.clock.advance(1e9)
        self.state = ProcessState(self.clock)

    def advance(self, seconds: float) -> None:
        """
        Let time pass.
        """
        self.clock.advance(seconds)
