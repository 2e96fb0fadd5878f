"""
The log of bin/demo: twistd's, with a banner as soon as the server listens.
"""

from __future__ import annotations

import getpass
import sys
from pathlib import Path

from zope.interface import provider

from twisted.logger import ILogObserver, LogEvent, textFileLogObserver

_BANNER = """
The example server listens. Log in, in another terminal, with:

{commands}

Ctrl-C ends the server. The account and the mail are in .demo.
"""


def makeObserver() -> ILogObserver:
    """
    Make what twistd's events are written by.
    """
    write = textFileLogObserver(sys.stdout)
    out = sys.stdout

    @provider(ILogObserver)
    def observe(event: LogEvent) -> None:
        if "ways" in event:
            print(_BANNER.format(commands=_commands(event)), file=out, flush=True)
        else:
            write(event)

    return observe


def _commands(event: LogEvent) -> str:
    """
    List the commands to log in with.
    """
    login = Path(".demo/plain").read_text("utf-8").strip()
    client = ".venv/bin/python doc/examples/demo_pb.py .demo/plain"
    told = [way.command(login, getpass.getuser(), client) for way in event["ways"]]
    if event["hostKey"] is not None:
        told.append(f"(the SSH host key is {event['hostKey']})")
    return "\n".join(f"  {line}" for line in told)
