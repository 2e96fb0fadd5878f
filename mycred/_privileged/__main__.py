"""
The program of the broker.

It is run by its path, isolated from the environment and the current directory; the
server sends it the directories of modules.
"""

import json
import os
import sys
from socket import MSG_WAITALL, socket


def main() -> None:
    """
    Receive the directories of modules, import the broker, and run it.
    """
    control, *ends = (socket(fileno=int(descriptor)) for descriptor in sys.argv[2:])
    for one in (control, *ends):
        # Programs that PAM modules start don't inherit it.
        one.set_inheritable(False)
    # Python's own first: other users may write into the server's directories.
    own = [directory for directory in sys.path if "-packages" not in directory]
    length = int.from_bytes(control.recv(4, MSG_WAITALL), "big")
    received = os.fsdecode(control.recv(length, MSG_WAITALL)).split("\0")
    sys.path[:] = [*own, *(one for one in received if one not in own)]
    try:
        from mycred._privileged._broker import Broker

        Broker.serve(control, ends, own)
    except Exception as error:
        text = json.dumps(f"{type(error).__name__}: {error}").encode("ascii")
        control.sendall(len(text).to_bytes(4, "big") + text)


main()
