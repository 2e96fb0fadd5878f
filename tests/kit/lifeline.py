"""
What ends the servers of a run that is killed, and removes their files.
"""

from __future__ import annotations

import subprocess
from pathlib import Path

# Reads a line, and gets none if the run is killed.  Stopped, a server starts no more
# processes; those that it has started may be in a group of their own, and stopped, too.
_SCRIPT = """
read -r _ && exit
if [ -n "$2" ]; then
    kill -s STOP "$2"
    kill -s KILL -- "-$2" $(cat "/proc/$2/task/$2/children")
fi
rm -rf "$1"
"""


class Lifeline:
    """
    Watches this process, from another one that no signal for its group reaches.
    """

    def __init__(self, home: Path, pid: int | None = None) -> None:
        """
        @param home: the directory to remove when this process ends.
        @param pid: the process to end then, which leads a group.
        """
        self._watcher = subprocess.Popen(
            ["sh", "-c", _SCRIPT, "sh", str(home), "" if pid is None else str(pid)],
            stdin=subprocess.PIPE,
            stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL,
            start_new_session=True,
            cwd="/",
        )

    def cut(self) -> None:
        """
        Leave everything as it is.
        """
        self._watcher.communicate(b"over\n")


__all__ = ["Lifeline"]
