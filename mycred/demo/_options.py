"""
The command line of the example server.
"""

from __future__ import annotations

import sys
from collections.abc import Sequence

from twisted.python import usage

from .._argstring import integerBetween
from .._chain import partsOf
from .._contracts import (
    IAnonymous,
    InterfaceType,
    ISSHPrivateKey,
    IUsernameDigestHash,
    IUsernameHashedPassword,
    IUsernamePassword,
)
from .._conversations import IBearerToken, ICertificateCredentials, IScramCredentials
from .._programs import ProgramAuthOptions
from ._mailstore import checkStore, insistOnStore
from ._metricspage import EXAMPLE, makeMetrics
from ._processes import AdoptingReactor, HoldingReactor, ServingReactor, Start, workerOf
from ._protocols import MAIL, METRICS, PROTOCOLS, REALM, TAKES
from ._strports import adoptable, asksForCertificates, endpointAt, isEncrypted

_processes = integerBetween(1, 256, "a number from 1 to 256")

# What is advised where a file beside the store can't be made, and that is on a server.
_ELSEWHERE = (
    "; start twistd in a directory where the server may make it, such as by --rundir, or "
    "WorkingDirectory= of systemd"
)

_where = "where to listen for {}, a strports description; empty for nowhere [default: {}]"


class Options(usage.Options, ProgramAuthOptions):
    """
    The options of C{twistd myapp}.

    After parsing, the value of each protocol is a description, or empty where
    the protocol isn't offered; C{self["notOffered"]} names those that the
    checkers can't serve, C{self["endpoints"]} has the endpoints of the others, and
    C{self["holding"]} what opens their sockets for several processes.
    """

    synopsis = "[options]"
    optParameters = [
        *(
            [name, None, None, _where.format(name.upper(), where)]
            for name, (where, _) in PROTOCOLS.items()
        ),
        [
            "store",
            "s",
            "mycred-demo.sqlite",
            "the SQLite file that holds the mail, or the URL of a database, such as "
            "postgresql://myapp@db.example.org/mail",
        ],
        [
            "store-passwordfile",
            None,
            None,
            "the file with the password for the database of --store",
        ],
        [
            "hostkey",
            None,
            None,
            "the file with the host key for SSH, made if it isn't there "
            "[default: that of the mail, with .hostkey]",
        ],
        [
            "tls",
            None,
            None,
            "the files for TLS that clients of POP3, IMAP4 and SMTP begin by STARTTLS: "
            "privateKey=FILE:certKey=FILE, and what else mtls: takes",
        ],
        [
            "processes",
            None,
            "1",
            "how many processes serve clients; as many as there are processors, for "
            "example (HTTP is served by one of them)",
        ],
        [
            METRICS,
            None,
            None,
            "where Prometheus reads how many log in, and how the server is doing, a "
            f"strports description such as {EXAMPLE} [default: nowhere]",
        ],
    ]
    optFlags = [
        [
            "clear-text",
            None,
            "let clients of other machines send passwords and tokens that anyone on the "
            "network can read, over POP3, IMAP4 and SMTP",
        ],
    ]
    longdesc = (
        "One mailbox behind several protocols, with the accounts that --auth "
        "names. Example: twistd -n myapp --auth=file:/etc/myapp/passwd"
    )
    supportedInterfaces = (
        IUsernamePassword,
        IUsernameHashedPassword,
        IUsernameDigestHash,
        IAnonymous,
        ISSHPrivateKey,
        IScramCredentials,
        ICertificateCredentials,
        IBearerToken,
    )

    opt_h = usage.Options.opt_help

    def parseOptions(self, options: Sequence[str] | None = None) -> None:
        """
        Parse the command line, and end the program in one line if it is wrong:
        twistd would print its whole usage before that line.
        """
        # For other processes, which are told the same.
        self["arguments"] = tuple(sys.argv[1:] if options is None else options)
        try:
            super().parseOptions(options)
        except usage.UsageError as error:
            sys.exit(f"twistd myapp: {error}")

    def postOptions(self) -> None:
        """
        Set the endpoints, the store, and what is kept beside it.

        @raise usage.UsageError: if an option can't take effect.
        """
        if not self.get("credCheckers"):
            raise usage.UsageError(
                "--auth is missing: say where the accounts are, for example "
                "--auth=file:/etc/myapp/passwd (--help-auth lists the types)"
            )
        for checker in self["credCheckers"]:
            for part in partsOf(checker):
                _checkRealm(part)
        self["worker"] = workerOf(getattr(self, "parent", None))
        self._setProcesses()
        isWorker = self["worker"] is not None
        self["store"] = checkStore(self["store"], self["store-passwordfile"], isWorker)
        if not isWorker:
            insistOnStore(self["store"], getattr(self, "parent", None))
        self._setTLS()
        self._insistOnAsking()
        self["notOffered"] = []
        self["endpoints"] = {}
        self["holding"] = {}
        for name, (where, interfaces) in PROTOCOLS.items():
            self._setEndpoint(name, where, interfaces)
        if not any(self[name] for name in PROTOCOLS):
            raise usage.UsageError("no protocol is left to listen for")
        self._insistOnUse()
        self._setHostKey()
        self._setSecret()
        self._setMetrics()

    def _setProcesses(self) -> None:
        """
        Set the number of processes, and insist that what C{twistd} is told can be had
        with several.
        """
        try:
            self["processes"] = _processes(self["processes"])
        except ValueError as error:
            raise usage.UsageError(f"--processes: {error}") from None
        twistd = getattr(self, "parent", None) or {}
        for name in ("chroot", "debug", "profile"):
            if self["processes"] > 1 and twistd.get(name):
                raise usage.UsageError(
                    f"--processes: twistd --{name} is for one process; leave out either"
                )

    def _setTLS(self) -> None:
        """
        Set what makes connections of TLS behind STARTTLS.
        """
        self["asksForCertificates"] = False
        self["contextFactory"] = None
        if self["tls"] is None:
            return
        from ..tls import TLSOptions

        try:
            tls = TLSOptions.parse(self["tls"])
            self["contextFactory"] = tls.contextFactory()
        except ValueError as error:
            raise usage.UsageError(f"--tls: {error}") from None
        self["asksForCertificates"] = tls.clientCert != "no"

    def _insistOnUse(self) -> None:
        """
        Insist that options for some protocols can take effect.
        """
        mail = [self[name] for name in MAIL if self[name]]
        if all(map(isEncrypted, mail)):
            for name in ("tls", "clear-text"):
                if self[name]:
                    raise usage.UsageError(
                        f"--{name} is for POP3, IMAP4 and SMTP that begin in clear text, "
                        "as with --imap=tcp:143; none does"
                    )

    def _insistOnAsking(self) -> None:
        """
        Insist that clients are asked for the certificates that a checker is for.
        """
        if ICertificateCredentials not in self["credInterfaces"]:
            return
        if not any(self[name] != "" and self._asksAt(name) for name in PROTOCOLS):
            raise usage.UsageError(
                "--auth: nobody could log in by a certificate, since no client is "
                "asked for one; add clientCert=optional and clientCA=FILE to --tls, "
                "or to a place to listen at, such as --imap=mtls:993:..."
            )

    def _asksAt(self, name: str) -> bool:
        """
        Return whether the clients of a protocol are asked for certificates, by which they
        can log in.
        """
        where = self[name] or ""
        if name in MAIL and not isEncrypted(where):
            return bool(self["asksForCertificates"])
        return asksForCertificates(where) and name in (*MAIL, "http")

    def _setSecret(self) -> None:
        """
        Set the secret by which users who don't exist look like others to SCRAM.
        """
        self["secret"] = None
        if self["worker"] is not None:
            self["secret"] = self["worker"].secret
            return
        isServed = IScramCredentials in self["credInterfaces"]
        if not (isServed and any(self[name] for name in MAIL)):
            return
        from ..sasl import secretIn

        path = f"{self['store'].beside}.secret"
        try:
            self["secret"] = secretIn(path)
        except (OSError, ValueError) as error:
            why = getattr(error, "strerror", None) or error
            advice = "" if self["store"].url.path else _ELSEWHERE
            raise usage.UsageError(
                f"--store: {path} can't be read or made ({why}){advice}"
            ) from None

    def _setHostKey(self) -> None:
        """
        Set the host key, which is made if there is none.
        """
        self["hostKey"] = None
        if not self["ssh"]:
            if self["hostkey"] is not None:
                raise usage.UsageError(
                    "--hostkey is for SSH, which isn't offered; it takes "
                    f"{TAKES['ssh']}, and a place to listen at (--ssh)"
                )
            return
        # Conch is installed, since there is a checker of keys.
        from ..conch import hostKeyIn

        if self["worker"] is not None:
            from twisted.conch.ssh.keys import Key

            self["hostKey"] = Key.fromString(self["worker"].hostKey)
            return
        path = self["hostkey"]
        if path is None:
            path = f"{self['store'].beside}.hostkey"
        try:
            if not path:
                raise ValueError("write the path of a file")
            self["hostKey"] = hostKeyIn(path)
        except OSError as error:
            raise usage.UsageError(
                f"--hostkey: {path} can't be read or made ({error.strerror or error})"
            ) from None
        except ValueError as error:
            raise usage.UsageError(f"--hostkey: {error}") from None

    def _setMetrics(self) -> None:
        """
        Set what counts logins, and where that can be read.
        """
        try:
            self["loginMetrics"] = makeMetrics(self)
        except ValueError as error:
            raise usage.UsageError(str(error)) from None
        if self["loginMetrics"] is not None:
            self._listenFor(METRICS, EXAMPLE)

    def _setEndpoint(
        self, name: str, where: str, interfaces: tuple[InterfaceType, ...]
    ) -> None:
        """
        Set the endpoint of one protocol.
        """
        if self._asksAt(name):
            interfaces = (*interfaces, ICertificateCredentials)
        servable = any(i in self["credInterfaces"] for i in interfaces)
        if self[name] is None:
            self[name] = where if servable else ""
            if not servable:
                self["notOffered"].append(name)
        if not self[name]:
            return
        if not servable:
            raise usage.UsageError(
                f"--{name}: nobody could log in, since it takes {TAKES[name]}"
            )
        self._listenFor(name, where)

    def _listenFor(self, name: str, example: str) -> None:
        """
        Set the endpoint of a protocol, or of something else, unless another worker has
        it.

        @param example: a description that would be right, for the message.
        """
        worker = self["worker"]
        if worker is not None and not worker.descriptors(name):
            # Another worker serves it.
            return
        reactor = self._reactorFor(name, worker)
        at = self[name] if worker is None else adoptable(self[name])
        try:
            self["endpoints"][name] = endpointAt(reactor, at, example)
        except ValueError as error:
            raise usage.UsageError(f"--{name}={self[name]}: {error}") from None

    def _reactorFor(self, name: str, worker: Start | None) -> object:
        """
        Return what opens the sockets of a protocol.

        @param worker: what this process is told if it is a worker.
        """
        from twisted.internet import reactor

        if worker is not None:
            return AdoptingReactor(reactor, worker.descriptors(name))
        if self["processes"] == 1:
            return ServingReactor(reactor)
        self["holding"][name] = holding = HoldingReactor(reactor)
        return holding


def _checkRealm(checker: object) -> None:
    """
    Insist on the realm of this server, if a checker is for one realm.

    @raise usage.UsageError: if it is for another realm.
    """
    realm = getattr(checker, "realm", REALM)
    if realm != REALM:
        raise usage.UsageError(
            f"--auth: nobody could log in by hashes of the realm {realm.decode()}, "
            f"since this server asks for realm={REALM.decode()}"
        )


__all__ = ["Options"]
