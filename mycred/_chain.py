"""
Several checkers that check the same kind of credentials, as one.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from itertools import chain
from typing import Any

from zope.interface import implementer
from zope.interface.interface import InterfaceClass

from twisted.internet.defer import Deferred, fail, maybeDeferred
from twisted.logger import Logger
from twisted.python.failure import Failure

from ._audit import checkedBy
from ._contracts import AvatarID, ICredentials, ICredentialsChecker, InterfaceType
from ._conversations import IScramCredentials
from ._refusals import FINAL, refusalOf, summedUp, takenFrom, unhandled
from ._reporting import Reporter, noteAsked, reporterOf, reportsOutcome
from ._scramsearch import ScramSearch


@implementer(ICredentialsChecker)
class CheckerChain:
    """
    Ask several checkers, one after another, until one knows the answer.

    A checker that accepts, or denies the account, ends the search.  After an
    L{UnauthorizedLogin} or an L{UnhandledCredentials} the next one is asked.
    After any other failure too, so that a local file lets the administrator in
    while the directory is down; but if then no checker accepts, the login ends with
    a L{TemporaryFailure}, since the one that failed might have accepted.

    A client that proves its password by SCRAM can be asked once, with the keys of one
    checker.  All checkers look the user up before; the first one that has keys decides.

    L{mycred.portal.Portal} makes one of these where the checkers that it is
    given share an interface.

    @ivar checkers: the checkers, in the order in which they are asked.
    @ivar credentialInterfaces: all that they check together.
    """

    _log = Logger()

    def __init__(self, checkers: Iterable[ICredentialsChecker]) -> None:
        """
        @param checkers: the checkers, in the order in which to ask them.
        """
        self.checkers = tuple(checkers)
        self.credentialInterfaces: tuple[InterfaceType, ...] = tuple(
            dict.fromkeys(
                interface
                for checker in self.checkers
                for interface in interfacesOf(checker)
            )
        )

    @reportsOutcome
    def requestAvatarId(self, credentials: ICredentials) -> Deferred[AvatarID]:
        """
        Ask each checker that claims the kind of these credentials.

        @param credentials: what the user presents.

        @return: a L{Deferred} that fires with the answer of the first checker
            that accepts, or fails: with the denial of a checker, with
            L{TemporaryFailure} where one couldn't tell, with
            L{UnauthorizedLogin}, or with L{UnhandledCredentials} if no checker
            is for such credentials.
        """
        return self._search(credentials)

    def _search(self, credentials: ICredentials) -> Deferred[AvatarID]:
        """
        Ask the checkers, and leave it to others to log the outcome.
        """
        checkers = self.checkers
        if len(checkers) > 1 and IScramCredentials.providedBy(credentials):
            checking = [c for c in checkers if _checks(c, credentials)]
            if len(checking) > 1:
                return ScramSearch(checking, credentials, self._log).start()
        waiting = iter(checkers)
        for checker in waiting:
            if _checks(checker, credentials):
                break
        else:
            return fail(unhandled(credentials))
        reporter = reporterOf(credentials)
        asked = _ask(checker, credentials, reporter)
        if acceptsAtOnce(asked):
            # Most do that needn't wait, and nothing has to wait for them.
            return asked
        others = [other for other in waiting if _checks(other, credentials)]
        turns = chain(
            [(checker, asked)],
            ((other, _ask(other, credentials, reporter)) for other in others),
        )
        return _Search(turns, bool(others), credentials, self._log).start()


def _ask(
    checker: ICredentialsChecker, credentials: ICredentials, reporter: Reporter | None
) -> Deferred[AvatarID]:
    """
    Ask a checker.  What it raises, and what isn't a L{Deferred}, is in the one that this
    returns.
    """
    noteAsked(reporter, checker)
    answer: Any
    try:
        answer = checker.requestAvatarId(credentials)
    except BaseException:
        return fail()
    return answer if type(answer) is Deferred else maybeDeferred(lambda: answer)


class _Search:
    """
    One search along a chain.

    @ivar _asked: the Deferred of the checker that is being asked.
    @ivar _failed: what the checkers asked so far have failed with.
    """

    def __init__(
        self,
        turns: Iterator[tuple[ICredentialsChecker, Deferred[AvatarID]]],
        isOneOfSeveral: bool,
        credentials: ICredentials,
        log: Logger,
    ) -> None:
        """
        @param turns: asks one checker after another, each when it is its turn.
        @param isOneOfSeveral: whether there are several.
        """
        self._take = refusalOf if isOneOfSeveral else takenFrom
        self._turns = turns
        self._credentials = credentials
        self._log = log
        self._answer: Deferred[AvatarID] = Deferred(self._cancel)
        self._asked: Deferred[AvatarID] | None = None
        self._failed: list[Failure] = []
        self._cancelled = False
        self._asking = self._goOn = False

    def start(self) -> Deferred[AvatarID]:
        """
        Ask the checkers.

        @return: a L{Deferred} that fires when the search is over.
        """
        self._askNext()
        return self._answer

    def _askNext(self) -> None:
        """
        Ask the next checker, or end the search if there is none.
        """
        self._asking = self._goOn = True
        while self._goOn:
            # A checker that refuses at once sets this again.
            self._goOn = False
            turn = next(self._turns, None)
            if turn is None:
                # The failure becomes one.
                outcome: Any = summedUp(self._failed, self._credentials)
                self._answer.callback(outcome)
                break
            checker, self._asked = turn
            self._asked.addCallbacks(
                self._cbAccepted, self._ebRefused, errbackArgs=(checker,)
            )
        self._asking = False

    def _cbAccepted(self, avatarId: AvatarID) -> None:
        """
        End the search with an avatar ID, unless it was cancelled.
        """
        if not self._cancelled:
            self._answer.callback(avatarId)

    def _ebRefused(self, failure: Failure, checker: ICredentialsChecker) -> None:
        """
        End the search with a verdict, or go on to the next checker.
        """
        if self._cancelled:
            return
        if failure.check(*FINAL):
            self._answer.errback(checkedBy(failure, checker))
            return
        self._failed.append(self._take(failure, checker, self._log))
        self._goOn = True
        if not self._asking:
            self._askNext()

    def _cancel(self, answer: Deferred[AvatarID]) -> None:
        """
        Stop waiting, and ask no other checker.
        """
        self._cancelled = True
        if self._asked is not None:
            self._asked.cancel()


def acceptsAtOnce(asked: Deferred[AvatarID]) -> bool:
    """
    Return whether a checker has answered already, and with an avatar ID of the usual
    kind: then nothing needs to be added to the L{Deferred}, which takes longer than all
    the rest.
    """
    return asked.called and type(asked.result) is bytes and not asked.paused


def _checks(checker: ICredentialsChecker, credentials: ICredentials) -> bool:
    """
    Return whether a checker claims the kind of credentials.
    """
    # The constructor has seen that they are several.
    for interface in checker.credentialInterfaces:
        if interface.providedBy(credentials):
            return True
    return False


def interfacesOf(checker: ICredentialsChecker) -> Iterable[InterfaceType]:
    """
    Return the interfaces of the credentials that a checker claims to check.

    @raise TypeError: if it names one bare interface instead of a sequence of
        them, which otherwise fails only at the first login, with a message that
        doesn't say so.
    """
    interfaces: Iterable[InterfaceType] = checker.credentialInterfaces
    if isinstance(interfaces, InterfaceClass):
        name = interfaces.__name__
        raise TypeError(
            f"credentialInterfaces of {type(checker).__name__} is the interface "
            f"{name} itself, where a sequence of interfaces is needed: "
            f"write ({name},), with the comma"
        )
    return interfaces


def checkersFor(
    interface: InterfaceType, checkers: Mapping[InterfaceType, ICredentialsChecker]
) -> list[ICredentialsChecker]:
    """
    Return the checkers that are asked for credentials of an interface, those in chains
    each by itself.

    @param checkers: the checkers of a portal, by interface.
    """
    checker = checkers.get(interface)
    return [] if checker is None else list(partsOf(checker, interface))


def partsOf(
    checker: ICredentialsChecker, interface: InterfaceType | None = None
) -> Iterator[ICredentialsChecker]:
    """
    Return the checkers of which one is made up: those of a chain, or of a stack, each by
    itself; of any other, itself.  They are there to be looked at: to ask one of them is
    to get around what stands around it.

    @param interface: what they check; L{None} if that doesn't matter.
    """
    if not isinstance(checker, CheckerChain):
        yield checker
        return
    for part in checker.checkers:
        if interface is None or interface in interfacesOf(part):
            yield from partsOf(part, interface)


def without(
    checkers: list[ICredentialsChecker], others: list[ICredentialsChecker]
) -> list[ICredentialsChecker]:
    """
    Return the checkers that aren't among others, compared by identity: a program's
    checkers may be equal to anything.
    """
    left = set(map(id, others))
    return [checker for checker in checkers if id(checker) not in left]


__all__ = [
    "CheckerChain",
    "acceptsAtOnce",
    "checkersFor",
    "interfacesOf",
    "partsOf",
    "unhandled",
    "without",
]
