"""
A real HAProxy before a server of the tests.
"""

from __future__ import annotations

import os
import shutil
import socket

from twisted.trial.unittest import SkipTest

from .processes import Process

# It passes TCP on, and TLS in it: the header of the PROXY protocol comes before.
_CONFIGURATION = """\
global
    maxconn 50
defaults
    mode tcp
    timeout connect 20s
    timeout client 20s
    timeout server 20s
frontend clients
    bind fd@{fd}
    default_backend server
backend server
    server server 127.0.0.1:{port} {how}
"""


class HAProxy(Process):
    """
    A proxy on a port of its own.

    @ivar port: the port.
    """

    def __init__(self, port: int, how: str) -> None:
        """
        @param port: the port of the server behind it.
        @param how: how it connects to that: C{send-proxy} or C{send-proxy-v2}, perhaps
            with options.
        """
        program = shutil.which("haproxy", path=f"{os.environ['PATH']}:/usr/sbin")
        if program is None:
            raise SkipTest("install haproxy")
        super().__init__("haproxy")
        self._listening = socket.create_server(("127.0.0.1", 0))
        self.port: int = self._listening.getsockname()[1]
        number = self._listening.fileno()
        file = self.home / "haproxy.cfg"
        file.write_text(_CONFIGURATION.format(fd=number, port=port, how=how))
        self.launch(program, "-db", "-f", str(file), pass_fds=[number])

    def stop(self) -> None:
        """
        End it.
        """
        super().stop()
        self._listening.close()

    def _answers(self) -> bool:
        """
        Return whether it begins: its port listens already, and connections wait there.
        """
        return True
