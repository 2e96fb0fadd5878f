"""
The workers of the example server, one of which may do nothing for a while.
"""

from __future__ import annotations

import contextlib
import os
import re
import signal
from collections.abc import Iterator
from pathlib import Path

from mycred._processtree import descendants

from .privileged import until
from .server import Server


def workersOf(server: Server) -> list[int]:
    """
    Return the process IDs of a server's workers, in their order.
    """
    found = {}
    for pid in descendants(server.pid):
        with contextlib.suppress(OSError):
            title = Path(f"/proc/{pid}/cmdline").read_text()
            for number in re.findall(r"\0myapp: worker (\d+) of \d+\0$", title):
                found[int(number)] = pid
    return [found[number] for number in sorted(found)]


@contextlib.contextmanager
def frozen(pid: int) -> Iterator[None]:
    """
    Have a process do nothing meanwhile.
    """
    os.kill(pid, signal.SIGSTOP)
    try:
        until(lambda: re.search(r"\) T ", Path(f"/proc/{pid}/stat").read_text()))
        yield
    finally:
        with contextlib.suppress(ProcessLookupError):
            os.kill(pid, signal.SIGCONT)
