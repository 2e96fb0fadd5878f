"""
How long a right password takes while another client guesses passwords without pause.

The example server checks bcrypt 12 over IMAP4.  So many connections send four logins at
a time, the next four when they are answered, and come again when they are ended; a user
logs in from elsewhere in the same network, from another one, or from the very same
address.  The limit is what the user's own login takes on a quiet server.
"""

from __future__ import annotations

import asyncio
import tempfile
from contextlib import suppress
from pathlib import Path
from statistics import median
from time import perf_counter

import bcrypt

from ._program import running

# The most that a login may take, in seconds.
GOAL = 2.0

CONNECTIONS = 260
LOGINS = 12
COST = 12

# Who guesses, and from where the user comes.  All of 127.0.0.0/8 is this machine.
CASES = {
    "nobody": ([], "127.0.1.1"),
    "one address": (["127.0.2.1"], "127.0.1.1"),
    "one address, the user's neighbour": (["127.0.2.1"], "127.0.2.9"),
    "one /24": ([f"127.0.2.{n}" for n in range(1, 255)], "127.0.1.1"),
    "250 networks": ([f"127.0.{n}.1" for n in range(2, 252)], "127.0.1.1"),
    "the user's own address": (["127.0.1.1"], "127.0.1.1"),
}


async def guess(address: str, port: int) -> None:
    """
    Guess, and come again when the connection is ended.
    """
    number = 0
    while True:
        with suppress(OSError):
            reader, writer = await asyncio.open_connection(
                "127.0.0.1", port, local_addr=(address, 0)
            )
            with suppress(OSError):
                await reader.readline()
                answer = b"x"
                while answer:
                    # As many as the server takes at a time.
                    guesses = [
                        b"x LOGIN alice guess%d.%d\r\n" % (number, n) for n in range(4)
                    ]
                    number += 1
                    writer.write(b"".join(guesses))
                    for _ in guesses:
                        answer = await reader.readline()
            writer.close()
        await asyncio.sleep(0.05)


async def logIn(address: str, port: int) -> float:
    """
    Log the user in.

    @return: how long that took, in seconds; for ever if it went wrong.
    """
    began = perf_counter()
    reader, writer = await asyncio.open_connection(
        "127.0.0.1", port, local_addr=(address, 0)
    )
    try:
        await reader.readline()
        writer.write(b"x LOGIN alice sesame\r\n")
        answer = await asyncio.wait_for(reader.readline(), 60)
        took = perf_counter() - began
        return took if answer.startswith(b"x OK") else float("inf")
    finally:
        writer.close()


async def measure(port: int, guessing: list[str], user: str) -> list[float]:
    """
    Log in again and again while others guess.
    """
    tasks = [
        asyncio.create_task(guess(guessing[n % len(guessing)], port))
        for n in range(CONNECTIONS if guessing else 0)
    ]
    await asyncio.sleep(3 if guessing else 0.2)
    try:
        return [await logIn(user, port) for _ in range(LOGINS)]
    finally:
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)
        # What waits is done, or dropped with its connection.
        await asyncio.sleep(2)


def main() -> None:
    """
    Print how long the user's logins take.
    """
    print(f"bcrypt {COST}, {CONNECTIONS} connections guess; {LOGINS} logins each")
    print(f"{'who guesses':36} {'median':>8} {'max':>8}")
    with tempfile.TemporaryDirectory() as directory:
        users = Path(directory) / "users"
        stored = bcrypt.hashpw(b"sesame", bcrypt.gensalt(COST)).decode()
        users.write_text(f"alice:{stored}\n")
        with running(Path(directory), f"--auth=htpasswd:{users}") as program:
            for name, (guessing, user) in CASES.items():
                times = asyncio.run(measure(program.port, guessing, user))
                # With a client for each source, each waits for its turn.
                isFair = user in guessing or "networks" in name
                verdict = "" if isFair or max(times) <= GOAL else " MISSED"
                print(f"{name:36} {median(times):7.2f}s {max(times):7.2f}s{verdict}")
