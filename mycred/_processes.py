"""
End processes together with what they have started.
"""

from __future__ import annotations

import os
import signal
from contextlib import suppress
from pathlib import Path


def descendants(pid: int) -> list[int]:
    """
    List the processes that a process has started, as far as the system tells.
    """
    try:
        text = Path(f"/proc/{pid}/task/{pid}/children").read_text("ascii")
    except OSError:
        return []
    children = [int(word) for word in text.split()]
    return [*children, *(one for child in children for one in descendants(child))]


def kill(pid: int) -> None:
    """
    End a process, and what it has started.
    """
    with suppress(ProcessLookupError):
        # So that it doesn't start the next one meanwhile.
        os.kill(pid, signal.SIGSTOP)
    for one in [*descendants(pid), pid]:
        with suppress(ProcessLookupError, PermissionError):
            os.kill(one, signal.SIGKILL)


__all__ = ["descendants", "kill"]
