"""
Processes with privileges, in which logins are checked.

They are started with the privileges that the server has at its start, and keep them when
it drops its own.  If a PAM module hangs or crashes in one of them, other logins go on.
The server sends requests, and learns verdicts only.

    - L{PrivilegedClient}, in the server, sends requests; it is called in threads.  It
      starts the broker, and another one if that is killed.
    - The broker starts the workers, and replaces those that end or hang.
    - The workers look accounts up, one at a time each.
"""

from ._client import PrivilegedClient
from ._wire import Reply

__all__ = ["PrivilegedClient", "Reply"]
