"""
A request to log in with a key, which lines and a certificate permit or don't.
"""

from __future__ import annotations

from .._verdict import Account
from ._budget import Budget
from ._certificate import Certificate, Offer
from ._key import PublicKey
from ._optionlist import fromCertificate
from ._options import BadOption, KeyOptions, merge
from ._sources import BadPattern, Client
from ._wire import UnusableKey


class Request:
    """
    A request to log in.

    @ivar offer: the key or the certificate.
    @ivar certificate: the certificate; L{None} if it is a key alone.
    @ivar account: the account.
    @ivar budget: how much work may still be done for it.
    @ivar told: for how many lines it was noted why they don't count.
    """

    def __init__(
        self,
        offer: Offer,
        account: Account,
        peer: str | None,
        accepted: frozenset[bytes],
        now: float,
    ) -> None:
        """
        @param offer: the key or the certificate.
        @param account: the account.
        @param peer: the address of the client; L{None} if it isn't known.
        @param accepted: the algorithms by which an authority may have signed.
        @param now: the time, in seconds since 1970.
        """
        self.offer = offer
        self.certificate = offer if isinstance(offer, Certificate) else None
        self.account = account
        self.budget = Budget()
        self.told = 0
        self._peer = peer
        self._client = None if peer is None else Client(peer)
        self._accepted = accepted
        self._now = now
        # What the certificate says, or what is wrong with it.
        self._said: KeyOptions | str | None = None

    @property
    def wanted(self) -> PublicKey:
        """
        The key that a line must hold: that of the authority, if a certificate is
        offered.
        """
        offer = self.offer
        return offer.authority if isinstance(offer, Certificate) else offer

    def permittedBy(self, options: KeyOptions) -> KeyOptions:
        """
        Return what may be done with the key: the request is held to options, and a
        certificate to what it says itself.

        @param options: what is said of the key, or of the authority.

        @raise BadOption: if they don't permit it.
        @raise UnusableKey: if the certificate doesn't count.
        @raise TooMuch: if it would be too much work to find out.
        """
        self._hold(options)
        if self.certificate is None:
            return options
        merged = merge(options, self.saidBy(self.certificate))
        if options.isAuthority:
            if options.principals is None:
                self.insistOnName(self.certificate)
            elif _named(options.principals).isdisjoint(self.certificate.principals):
                raise UnusableKey("it is for none of the principals")
        return merged

    def saidBy(self, certificate: Certificate) -> KeyOptions:
        """
        Return what the certificate says of itself; it is verified once, however many
        lines there are for its authority.

        @raise UnusableKey: if it doesn't count: it isn't signed by its authority, or
            says something that can't be obeyed.
        @raise TooMuch: if it would be too much work to find out.
        """
        if self._said is None:
            try:
                self._said = self._verified(certificate)
            except (BadOption, UnusableKey) as error:
                self._said = str(error)
        if isinstance(self._said, str):
            raise UnusableKey(self._said)
        return self._said

    def insistOnName(self, certificate: Certificate) -> None:
        """
        Insist that the certificate is for the user.
        """
        if self.account.name not in certificate.principals:
            raise UnusableKey(f"it is not for {self.account.name}")

    def _verified(self, certificate: Certificate) -> KeyOptions:
        """
        Return what the certificate says, if it counts.
        """
        # First: only an authority may keep the machine busy with what it says.
        certificate.verify(self._accepted)
        options = fromCertificate(certificate, self.budget)
        self._hold(options)
        flaw = certificate.flaw(self._now)
        if flaw is not None:
            raise UnusableKey(flaw)
        return options

    def _hold(self, options: KeyOptions) -> None:
        """
        Insist that a key may be used now, and from where the client is.
        """
        if options.expires is not None and options.expires < self._now:
            raise BadOption("it has expired")
        if options.principals is not None and not options.isAuthority:
            raise BadOption("principals= is for authorities")
        if options.sources is None and options.networks is None:
            return
        if self._client is None:
            raise BadOption("where the client comes from isn't known")
        try:
            isPermitted = self._isPermitted(self._client, options)
        except BadPattern as error:
            raise BadOption(f"from=: {error}") from None
        if not isPermitted:
            raise BadOption(f"the client may not come from {self._peer}")

    def _isPermitted(self, client: Client, options: KeyOptions) -> bool:
        """
        Return whether the client may come from where it is.
        """
        sources, networks, budget = options.sources, options.networks, self.budget
        return (sources is None or client.isAmong(sources, budget=budget)) and (
            networks is None or client.isInside(networks, budget)
        )


def _named(principals: str) -> set[str]:
    """
    Return the principals in a list, as OpenSSH parses it: up to an empty one.
    """
    names = principals.split(",")
    return set(names[: names.index("")] if "" in names else names)


__all__ = ["Request"]
