"""
Tests for deadlines: L{mycred._sql.client._watchdog}, and what
L{mycred._sql.client._alchemy} has to end a statement with.
"""

from __future__ import annotations

import os
import socket
import threading
from collections.abc import Callable

from twisted.trial.unittest import SynchronousTestCase

from mycred._sql.client._alchemy import SocketSwitch
from mycred._sql.client._watchdog import Watchdog

# How long anything may take that has to happen, in seconds.
_LONG = 60.0


class Looked:
    """
    What calls a function when it is looked at.
    """

    def __init__(self, look: Callable[[], object]) -> None:
        self._look = look

    def look(self, now: float) -> None:
        """
        Call it.
        """
        self._look()


class WatchdogTests(SynchronousTestCase):
    """
    Tests for L{Watchdog}.
    """

    def test_goesOn(self) -> None:
        """
        What raises when it is looked at takes no other's deadline away, and the thread
        ends when there is nothing to look at.
        """
        watchdog = Watchdog()
        watchdog.pause = 0.001
        raised, looked = threading.Semaphore(0), threading.Semaphore(0)

        def fail() -> None:
            raised.release()
            raise OSError

        both = Looked(fail), Looked(looked.release)
        for each in both:
            watchdog.add(each)
        thread = watchdog._thread
        assert thread is not None
        self.assertTrue(thread.daemon)
        for _ in range(3):
            for semaphore in (raised, looked):
                self.assertTrue(semaphore.acquire(timeout=_LONG))
        for each in both:
            watchdog.remove(each)
        thread.join(_LONG)
        self.assertFalse(thread.is_alive())
        watchdog.add(both[1])
        self.assertTrue(looked.acquire(timeout=_LONG))
        watchdog.remove(both[1])


class SocketSwitchTests(SynchronousTestCase):
    """
    Tests for L{SocketSwitch}.
    """

    def test_cut(self) -> None:
        """
        Who waits for the socket in another thread finds that the connection is lost.
        """
        here, there = socket.socketpair()
        with here, there:
            switch = SocketSwitch(here.fileno())
            found: list[bytes] = []
            thread = threading.Thread(target=lambda: found.append(here.recv(1)))
            thread.start()
            for _ in range(2):
                switch.cut()
            thread.join(_LONG)
            self.assertEqual(found, [b""])
            switch.close()
            switch.cut()

    def test_reused(self) -> None:
        """
        When the driver has closed its descriptor, and another file has it, that one isn't
        shut down.
        """
        here, there = socket.socketpair()
        first, second = socket.socketpair()
        with there, first, second:
            number = here.fileno()
            switch = SocketSwitch(number)
            here.close()
            os.dup2(first.fileno(), number)
            with socket.socket(fileno=number) as reused:
                switch.cut()
                reused.sendall(b"x")
                self.assertEqual(second.recv(1), b"x")
            switch.close()
