"""
Log in by a library of Python's, as a program of its own: C{python _libraries.py paramiko
JSON}.  It writes what the command has written, and ends as the command does; by 255 if
it wasn't let in.
"""

from __future__ import annotations

import asyncio
import json
import sys
from concurrent.futures import ThreadPoolExecutor
from typing import Any

REFUSED = 255


def byParamiko(login: dict[str, Any], text: bytes) -> tuple[bytes, bytes, int]:
    """
    Log in by paramiko.

    @param login: the fields of L{tests.kit.sshprograms.Login}.
    @param text: what the command reads.

    @return: what it has written, to the one and to the other, and how it has ended.
    """
    import paramiko

    client = paramiko.SSHClient()
    client.set_missing_host_key_policy(paramiko.RejectPolicy())
    client.load_host_keys(login["knownHosts"])
    key = None
    if login["key"]:
        key = paramiko.PKey.from_path(login["key"])
        if login["isCertified"]:
            key.load_certificate(f"{login['key']}-cert.pub")
    try:
        client.connect(
            "127.0.0.1",
            login["port"],
            login["user"],
            login["password"],
            pkey=key,
            allow_agent=False,
            look_for_keys=False,
        )
    except (paramiko.AuthenticationException, paramiko.BadHostKeyException) as error:
        return b"", str(error).encode(), REFUSED
    if login["kind"] == "exec":
        files = client.exec_command(login["command"], get_pty=login["hasTerminal"])
        channel = files[1].channel
    else:
        transport = client.get_transport()
        assert transport is not None
        channel = transport.open_session()
        if login["kind"] == "shell":
            channel.invoke_shell()
        else:
            channel.invoke_subsystem(login["command"])
        files = (channel.makefile_stdin("wb"), channel.makefile("r"))
        files += (channel.makefile_stderr("r"),)
    with ThreadPoolExecutor() as threads:
        # All at once: what isn't read takes the room of the rest.
        reading = [threads.submit(file.read) for file in files[1:]]
        channel.sendall(text)
        channel.shutdown_write()
        out, err = (one.result() for one in reading)
    status = channel.recv_exit_status()
    client.close()
    return out, err, max(status, 0)


def byAsyncSSH(login: dict[str, Any], text: bytes) -> tuple[bytes, bytes, int]:
    """
    Log in by asyncssh.  As L{byParamiko}.
    """
    import asyncssh

    keys: list[Any] = []
    if login["key"]:
        keys = [login["key"]]
        if login["isCertified"]:
            keys = [(login["key"], f"{login['key']}-cert.pub")]

    async def run() -> tuple[bytes, bytes, int]:
        async with asyncssh.connect(
            "127.0.0.1",
            login["port"],
            username=login["user"],
            password=login["password"],
            client_keys=keys or None,
            agent_path=None,
            known_hosts=login["knownHosts"],
            config=None,
        ) as connection:
            asked: dict[str, Any] = {}
            if login["kind"] == "exec":
                asked["command"] = login["command"]
            elif login["kind"] == "subsystem":
                asked["subsystem"] = login["command"]
            if login["hasTerminal"]:
                asked["term_type"] = "xterm"
            done = await connection.run(input=text, encoding=None, **asked)
            return done.stdout, done.stderr, done.exit_status or 0

    try:
        return asyncio.run(run())
    except (asyncssh.PermissionDenied, asyncssh.HostKeyNotVerifiable) as error:
        return b"", str(error).encode(), REFUSED


def main() -> None:
    """
    Do so.
    """
    by = {"paramiko": byParamiko, "asyncssh": byAsyncSSH}[sys.argv[1]]
    out, err, status = by(json.loads(sys.argv[2]), sys.stdin.buffer.read())
    sys.stdout.buffer.write(out)
    sys.stdout.buffer.flush()
    sys.stderr.buffer.write(err)
    sys.stderr.buffer.flush()
    sys.exit(status)


if __name__ == "__main__":
    main()
