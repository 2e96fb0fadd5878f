"""
The program of a worker.

It is run by its path.  Its standard input tells the directories of modules and the
reactor, and then all else, which may be secret; it ends when the process that has started
the worker does.
"""

import json
import os
import sys


def main() -> None:
    """
    Read the directories of modules and the reactor, import the worker, and run it.
    """
    # The terminal's signals go to the process of twistd alone.
    os.setsid()
    # Unbuffered: no more may be read than what is told at the start.
    with open(0, "rb", buffering=0, closefd=False) as told:
        before, start = told.readline(), told.readline()
    if start:
        sys.path[:], reactor = json.loads(before)
        if reactor is not None:
            # Modules of Twisted import one, whichever it is.
            from twisted.application.reactors import installReactor

            installReactor(reactor)
        from mycred.demo._processes._worker import run

        run(json.loads(start))


main()
