"""
Logins from an LDAP directory of 10,000 users, a slapd on this machine, without TLS.

Beside mycred: ldap3 as it comes, in threads, with new connections for each login; the
least that ldap3 takes for a search and a bind, on connections that are kept; ldaptor;
and the C library (python-ldap), kept, in threads.  The last two are left out where they
aren't installed.  Then 100,000 logins are made, to see whether memory grows.
"""

from __future__ import annotations

import hashlib
import os
import resource
import threading
from base64 import b64encode
from collections.abc import Callable
from functools import partial
from statistics import median
from typing import Any

import ldap3

from twisted.internet.defer import Deferred, gatherResults, inlineCallbacks
from twisted.internet.threads import deferToThreadPool
from twisted.logger import globalLogBeginner
from twisted.python.threadpool import ThreadPool

from mycred.checkers.ldap import LDAPChecker, ldapSettings
from mycred.credentials import UsernamePassword
from mycred.workers import Workers
from tests.kit.slapd import PEOPLE, Slapd, person

from ._lag import measured, underReactor

USERS, ROUNDS, MANY = 10_000, 5, 100_000
CLIENTS = (1, 10, 50)

# How many logins a round has, for those that are slow.
SLOW, FAST = 60, 2000
SLOW_ONES = {"ldap3"}

# What is to be reached: so many times ldap3 as it comes, so many times its least, and a
# lag in milliseconds at the 99th percentile.
TIMES_DEFAULT, TIMES_LEAST, MOST_LAG = 25, 0.85, 5

_threads = threading.local()


def entries() -> list[str]:
    """
    Write the entries of all users.
    """
    salt = b"saltsalt"
    digest = hashlib.sha1(b"sesame" + salt).digest()
    hashed = "{SSHA}" + b64encode(digest + salt).decode("ascii")
    return [person(f"user{number}", hashed) for number in range(USERS)]


def asItComes(port: int, name: str) -> None:
    """
    Log in by ldap3, as its documentation has it.
    """
    server = ldap3.Server("127.0.0.1", port)
    with ldap3.Connection(server, auto_bind=True) as searching:
        searching.search(PEOPLE, f"(uid={name})", attributes=["uid"])
        [entry] = searching.entries
    with ldap3.Connection(server, entry.entry_dn, "sesame") as binding:
        assert binding.bind()


def atLeast(port: int, name: str) -> None:
    """
    Log in by ldap3, with as little as it takes.
    """
    if not hasattr(_threads, "ldap3"):
        server = ldap3.Server("127.0.0.1", port, get_info=ldap3.NONE)
        _threads.ldap3 = [
            ldap3.Connection(server, auto_bind=True, check_names=False) for _ in range(2)
        ]
    searching, binding = _threads.ldap3
    searching.search(PEOPLE, f"(uid={name})", attributes=["uid"])
    [entry] = searching.response
    assert binding.rebind(entry["dn"], b"sesame")


def byLibrary(library: Any, port: int, name: str) -> None:
    """
    Log in by the C library.
    """
    if not hasattr(_threads, "library"):
        url = f"ldap://127.0.0.1:{port}"
        _threads.library = [library.initialize(url) for _ in range(2)]
    searching, binding = _threads.library
    [(dn, _)] = searching.search_s(
        PEOPLE, library.SCOPE_SUBTREE, f"(uid={name})", ["uid"]
    )
    binding.simple_bind_s(dn, "sesame")


class Ldaptor:
    """
    Logins by ldaptor, with two connections for each client.
    """

    def __init__(self, port: int) -> None:
        """
        @raise ImportError: if it isn't installed.
        """
        from ldaptor.protocols.ldap.ldapclient import LDAPClient
        from ldaptor.protocols.ldap.ldapsyntax import LDAPEntry

        from twisted.internet import reactor
        from twisted.internet.endpoints import TCP4ClientEndpoint, connectProtocol

        endpoint = TCP4ClientEndpoint(reactor, "127.0.0.1", port)
        self._connect = lambda: connectProtocol(endpoint, LDAPClient())
        self._entry = LDAPEntry
        self._idle: list[list[Any]] = []

    async def logIn(self, name: str) -> None:
        """
        Log in.
        """
        pair = self._idle.pop() if self._idle else []
        if not pair:
            pair = [await self._connect(), await self._connect()]
        people = self._entry(pair[0], PEOPLE)
        [found] = await people.search(f"(uid={name})", attributes=["uid"])
        await pair[1].bind(found.dn.getText(), b"sesame")
        self._idle.append(pair)


def logIn(make: Callable[[str], Any], clients: int, logins: int) -> Any:
    """
    Have clients log in, each again and again.
    """

    async def client(number: int) -> None:
        for count in range(max(1, logins // clients)):
            await make(f"user{(number * 7919 + count * 31) % USERS}")

    return gatherResults([Deferred.fromCoroutine(client(n)) for n in range(clients)])


def contestants(reactor: Any, port: int, pool: ThreadPool) -> dict[str, Any]:
    """
    Return what is compared: by name, what logs a user in.
    """

    def inThread(function: Callable[..., None], *args: object) -> Callable[[str], Any]:
        return lambda name: deferToThreadPool(reactor, pool, function, *args, name)

    found = {"ldap3": inThread(asItComes, port), "least": inThread(atLeast, port)}
    try:
        found["ldaptor"] = Ldaptor(port).logIn
    except ImportError:
        print("(ldaptor isn't installed)")
    try:
        import ldap as library
    except ImportError:
        print("(python-ldap isn't installed)")
    else:
        found["C library"] = inThread(byLibrary, library, port)
    return found


@inlineCallbacks
def compare(reactor: Any, clients: int, making: dict[str, Any]) -> Any:
    """
    Measure all of them with so many clients, and print.
    """
    rates: dict[str, list[float]] = {name: [] for name in making}
    lags: dict[str, list[float]] = {name: [] for name in making}
    for _ in range(ROUNDS):
        for name, make in making.items():
            logins = max(SLOW if name in SLOW_ONES else FAST, clients)
            work = partial(logIn, make, clients, logins)
            seconds, p99, _ = yield measured(reactor, work)
            rates[name].append(max(1, logins // clients) * clients / seconds)
            lags[name].append(p99)
    for name in making:
        ratio = median(m / o for m, o in zip(rates["mycred"], rates[name]))
        print(
            f"{clients:7}  {name:9} {median(rates[name]):9.1f}/s "
            f"{median(lags[name]):8.1f} ms   {ratio:8.2f}"
        )
    default = median(m / o for m, o in zip(rates["mycred"], rates["ldap3"]))
    least = median(m / o for m, o in zip(rates["mycred"], rates["least"]))
    lag = median(lags["mycred"])
    for what, value, isMet in (
        (f"{TIMES_DEFAULT} times ldap3", default, default >= TIMES_DEFAULT),
        (f"{TIMES_LEAST} times its least", least, least >= TIMES_LEAST),
        (f"lag of at most {MOST_LAG} ms", lag, lag <= MOST_LAG),
    ):
        print(f"{clients:7}  goal: {what}: {value:.2f}{'' if isMet else ' MISSED'}")


def memory() -> float:
    """
    Return how much memory this process uses, in MB.
    """
    with open("/proc/self/statm") as file:
        return int(file.read().split()[1]) * resource.getpagesize() / 1e6


@inlineCallbacks
def grow(reactor: Any, checker: LDAPChecker) -> Any:
    """
    Log in often, also with wrong passwords and unknown names, and print how memory
    grows.
    """

    async def ask(name: str) -> None:
        number = int(name.removeprefix("user"))
        password = b"wrong" if number % 7 == 0 else b"sesame"
        typed = b"nobody" if number % 11 == 0 else name.encode()
        try:
            await checker.requestAvatarId(UsernamePassword(typed, password))
        except Exception:
            return

    for _ in range(5):
        yield logIn(ask, 50, MANY // 5)
        print(f"{memory():8.1f} MB, {len(os.listdir('/proc/self/fd'))} files")


@inlineCallbacks
def run(reactor: Any) -> Any:
    """
    Measure all of them.
    """
    # As in a server: what is logged isn't kept for observers that come later.
    globalLogBeginner.beginLoggingTo([lambda event: None], redirectStandardIO=False)
    server = Slapd(*entries())
    pool = ThreadPool(8, 8)
    pool.start()
    settings = ldapSettings(host=f"127.0.0.1:{server.port}", base=PEOPLE, tls="none")
    checker = LDAPChecker(settings, workers=Workers(reactor, 6, deadline=30))
    making = {
        **contestants(reactor, server.port, pool),
        "mycred": lambda n: checker.requestAvatarId(
            UsernamePassword(n.encode(), b"sesame")
        ),
    }
    try:
        print("clients  by            logins    lag p99   mycred is times")
        for clients in CLIENTS:
            yield compare(reactor, clients, making)
        print(f"{MANY} logins, of which a seventh have a wrong password:")
        yield grow(reactor, checker)
    finally:
        pool.stop()
        checker.close()
        server.stop()


def main() -> None:
    """
    Print logins a second, lag, ratios, and memory.
    """
    underReactor(run)
