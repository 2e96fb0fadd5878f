"""
Processes of their own in which logins are checked.

They are started with the privileges that the server has at its start, and keep
them when it drops its own; a module that hangs or crashes in one of them takes
nobody else along.  The server asks, and is told no more than a verdict.

    - L{Helper}, in the server, asks: it is called in threads.  It starts the broker,
      and another one if that is killed.
    - The broker starts the workers, and others for those that end or hang.
    - The workers look accounts up, one at a time each.
"""

from ._client import Helper
from ._wire import Answer

__all__ = ["Answer", "Helper"]
