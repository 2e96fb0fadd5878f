"""
Starting a server, and waiting until it answers.
"""

from __future__ import annotations

import subprocess
import time
from collections.abc import Callable, Sequence
from contextlib import suppress
from pathlib import Path
from typing import Any

# How long a server may take to begin, and how long between two looks, in seconds.
_LONGEST_START, _SHORT = 180.0, 0.01


def begin(command: Sequence[str], home: Path, **more: Any) -> subprocess.Popen[bytes]:
    """
    Start a server, whose output is kept in its home directory.

    @param more: further arguments of C{Popen}.
    """
    with _outputIn(home).open("ab") as output:
        return subprocess.Popen(
            command,
            stdin=subprocess.DEVNULL,
            stdout=output,
            stderr=output,
            start_new_session=True,
            **more,
        )


def awaitAnswer(
    process: subprocess.Popen[bytes], home: Path, answers: Callable[[], bool]
) -> None:
    """
    Wait until a server answers.

    @param process: what L{begin} has returned.

    @raise AssertionError: if it ends, or doesn't answer within three minutes.
    """
    until = time.monotonic() + _LONGEST_START
    while not answers():
        with suppress(subprocess.TimeoutExpired):
            process.wait(_SHORT)
        if process.poll() is not None or time.monotonic() > until:
            said = _outputIn(home).read_text(errors="replace")
            raise AssertionError(f"{home.name} doesn't start: {said}")


def _outputIn(home: Path) -> Path:
    """
    Return the path of what a server says.
    """
    return home / "output"


__all__ = ["awaitAnswer", "begin"]
