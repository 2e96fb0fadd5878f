"""
What each process of C{bin/test} runs: the test modules that it takes from the queue.
"""

from __future__ import annotations

import os
import sys
from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path
from typing import Any

from twisted.trial.itrial import ITestCase
from twisted.trial.runner import TestLoader
from twisted.trial.unittest import TestSuite, decorate


def taken(queue: str) -> Iterator[str]:
    """
    Take the names of modules from a queue, one by one.

    @param queue: a directory with a file for each; who removes it has taken it.
    """
    for path in sorted(Path(queue).iterdir()):
        with suppress(FileNotFoundError):
            path.unlink()
            yield path.name.split()[1]


class Queue(TestSuite):
    """
    The tests of each module that can be taken, which are loaded only then.
    """

    def run(self, result: Any, debug: bool = False) -> Any:
        """
        Run them, and write before each module which it is.
        """
        for name in taken(os.environ["MYCRED_TEST_QUEUE"]):
            self._mark(name)
            decorate(TestLoader().loadByName(name), ITestCase)(result)
            if result.shouldStop:
                break
        self._mark("")
        return result

    def _mark(self, name: str) -> None:
        """
        Write the name of a module, or the end of the last.
        """
        sys.stdout.write(f"\x1e{name}\n")
        sys.stdout.flush()


def testSuite() -> TestSuite:
    """
    Return what trial is to run.
    """
    return Queue()
