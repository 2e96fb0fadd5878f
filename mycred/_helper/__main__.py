"""
The program that the broker is.

It runs by its file name, isolated from the environment and the current folder;
where modules are found, it is told.
"""

import os
import sys
from socket import socket


def main() -> None:
    """
    Be told where modules are, and go on with them.
    """
    control, *ends = (socket(fileno=int(number)) for number in sys.argv[2:])
    length = int.from_bytes(control.recv(4), "big")
    sys.path[:] = os.fsdecode(control.recv(length)).split("\0")
    from mycred._helper._broker import Broker

    Broker.serve(control, ends)


main()
