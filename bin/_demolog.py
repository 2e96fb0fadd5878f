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
The example server listens. Log in, in another terminal in this directory, with:

{commands}
{upload}
Ctrl-C ends the server. The account is in .demo, as is the mail without --store.
"""

_UPLOAD = r"""
Put in another message with the first and any other of these:

  printf 'From: me\nSubject: Tea\n\nAt five?\n' > .demo/message.eml
{commands}
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
            said = _BANNER.format(commands=_commands(event), upload=_upload(event))
            print(said, file=out, flush=True)
        else:
            write(event)

    return observe


def _commands(event: LogEvent) -> str:
    """
    List the commands to log in with.
    """
    login = _login()
    client = ".venv/bin/python doc/examples/demo_pb.py .demo/plain"
    told = [
        way.command(login, getpass.getuser(), client)
        for way in event["ways"]
        # Over SMTP nothing is read.
        if way.protocol != "smtp"
    ]
    if event["hostKey"] is not None:
        told.append(f"(the SSH host key is {event['hostKey']})")
    return "\n".join(f"  {line}" for line in told)


def _upload(event: LogEvent) -> str:
    """
    Return what tells how to put in a message, if that is possible.
    """
    uploads = [way.upload(_login(), ".demo/message.eml") for way in event["ways"]]
    commands = [f"  {command}" for command in uploads if command is not None]
    return _UPLOAD.format(commands="\n".join(commands)) if commands else ""


def _login() -> str:
    """
    Return the name and the password of the account.
    """
    return Path(".demo/plain").read_text("utf-8").strip()
