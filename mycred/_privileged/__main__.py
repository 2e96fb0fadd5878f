"""
The program that the broker is.

It runs by its file name, isolated from the environment and the current folder;
where modules are found, it is told.
"""

import json
import os
import sys
from socket import MSG_WAITALL, socket


def main() -> None:
    """
    Be told where modules are, and go on with them.
    """
    control, *ends = (socket(fileno=int(number)) for number in sys.argv[2:])
    for one in (control, *ends):
        # Not for the programs that modules start.
        one.set_inheritable(False)
    # Python's own first: the server's folders may be somebody else's.
    own = [folder for folder in sys.path if "-packages" not in folder]
    length = int.from_bytes(control.recv(4, MSG_WAITALL), "big")
    told = os.fsdecode(control.recv(length, MSG_WAITALL)).split("\0")
    sys.path[:] = [*own, *(folder for folder in told if folder not in own)]
    try:
        from mycred._privileged._broker import Broker

        Broker.serve(control, ends, own)
    except Exception as error:
        text = json.dumps(f"{type(error).__name__}: {error}").encode("ascii")
        control.sendall(len(text).to_bytes(4, "big") + text)


main()
