"""
Tests for methods that programs override: whichever of Twisted's methods Twisted asks in a
login, mycred asks in the same login, with the same arguments, and it has the same say.

Twisted tells what is right: each login is made with its class and with ours.

They cover L{mycred._accounts._spwd}, too.
"""

from __future__ import annotations

import gc
import inspect
import pwd
import warnings
from collections.abc import Callable, Iterator
from importlib.util import find_spec
from pathlib import Path
from types import FunctionType
from typing import Any

from twisted.cred.strcred import AuthOptionMixin as TwistedOptions
from twisted.internet.defer import maybeDeferred
from twisted.trial.unittest import SynchronousTestCase

from mycred._accounts import _spwd
from mycred._timing import Timing
from mycred.checkers import _unix
from mycred.checkers.sshkeys import _publickeys
from mycred.error import UnauthorizedLogin
from mycred.strcred import AuthOptionMixin

from .kit.counterparts import counterparts
from .kit.logins import HASH, LOGINS, Kit, Login

#: The methods that Twisted asks in no login: why not.
UNASKED = {
    "InMemoryUsernamePasswordDatabaseDontUse.addUser": "a program calls it",
    "FilePasswordDB.__getstate__": "pickle calls it",
    "CramMD5Credentials.moreChallenges": "only protocols call it",
    "DigestedCredentials.checkHash": "Twisted has no checker that holds such hashes",
    "AuthOptionMixin.opt_help_auth": "it shows help",
    "AuthOptionMixin.opt_help_auth_type": "it shows help",
    "AuthOptionMixin._checkerFactoriesForOptHelpAuth": "it shows help",
    "AuthOptionMixin.supportsCheckerFactory": "it shows help",
}

#: The methods that are asked of a refused login at other times than by Twisted: why.
OFTENER = {
    "FilePasswordDB.getUser": "an unknown user is refused after the same work",
    "FilePasswordDB._loadCredentials": "an unknown user is refused after the same work",
    "DigestCredentialFactory._getTime": "what was used is forgotten by it, too",
    "AuthOptionMixin.supportsInterface": "a checker may serve SCRAM, too",
}

#: The methods by which somebody may be refused whom Twisted lets in: why.
STRICTER = {
    "CramMD5Credentials.getChallenge": "without a challenge nothing matches",
}


def methodsOf(cls: type) -> Iterator[str]:
    """
    Name the methods of a class, but for what makes an object.
    """
    for name, value in vars(cls).items():
        isMethod = isinstance(value, FunctionType)
        if isMethod and name not in ("__init__", "__init_subclass__"):
            yield name


def pairs() -> Iterator[tuple[type, type]]:
    """
    Walk through the classes that Twisted has and mycred has made anew.
    """
    yield from dict.fromkeys(counterparts())
    yield TwistedOptions, AuthOptionMixin


class Call:
    """
    What a method is asked, and what it says.
    """

    def __init__(self, theirs: type, name: str, say: Callable[..., Any] | None) -> None:
        """
        @param theirs: Twisted's class.
        @param say: what it answers; what its class has answers if L{None}.
        """
        self.signature = inspect.signature(getattr(theirs, name))
        self.name = name
        self.say = say
        self.calls: list[tuple[Any, ...]] = []

    def answer(self, original: Callable[..., Any], it: Any, *args: Any) -> Any:
        """
        Answer, or have the class answer with the same arguments.

        @raise TypeError: if the arguments aren't those of Twisted's method.
        """
        self.signature.bind(it, *args)
        self.calls.append(args)
        return original(*args) if self.say is None else self.say()


def inSubclass(kit: Kit, call: Call, test: Any) -> Kit:
    """
    Override a method in a subclass.
    """

    def method(self: Any, *args: Any) -> Any:
        return call.answer(getattr(super(sub, self), call.name), self, *args)

    sub: Any = type(kit.cls.__name__, (kit.cls,), {call.name: method})
    return kit._replace(cls=sub)


def inMixin(kit: Kit, call: Call, test: Any) -> Kit:
    """
    Override a method in a mixin that stands before the class.
    """

    def method(self: Any, *args: Any) -> Any:
        return call.answer(getattr(super(mixin, self), call.name), self, *args)

    mixin: Any = type("Mixin", (), {call.name: method})
    return kit._replace(cls=type(kit.cls.__name__, (mixin, kit.cls), {}))


def inClass(kit: Kit, call: Call, test: Any) -> Kit:
    """
    Override a method in the class itself, as tests of programs do.
    """
    original = getattr(kit.cls, call.name)

    def method(self: Any, *args: Any) -> Any:
        return call.answer(lambda *args: original(self, *args), self, *args)

    test.patch(kit.cls, call.name, method)
    return kit


def inObject(kit: Kit, call: Call, test: Any) -> Kit:
    """
    Override a method in the object.
    """
    cls = kit.cls

    def make(*args: Any, **settings: Any) -> Any:
        it = cls(*args, **settings)
        original = getattr(it, call.name)
        setattr(it, call.name, lambda *args: call.answer(original, it, *args))
        return it

    return kit._replace(cls=make)


PLACES = (inSubclass, inMixin, inClass, inObject)


def refuse() -> None:
    """
    Refuse.
    """
    raise UnauthorizedLogin("a program refuses")


#: What a method may say on its own, beside what its class says.
ANSWERS: list[Callable[..., Any]] = [
    refuse,
    lambda: False,
    lambda: None,
    lambda: (),
    lambda: maybeDeferred(refuse),
]


class OverridingTests(SynchronousTestCase):
    """
    Tests for every method of every class that has a counterpart.
    """

    def setUp(self) -> None:
        """
        Have nobody wait, and no real account asked.
        """
        self.patch(_publickeys.SSHPublicKeyChecker, "_leastRefusal", 0)
        self.patch(Timing, "least", lambda _: 0)
        self.folder = Path(self.mktemp()).resolve()
        self.folder.mkdir()
        kit = Kit(None, False, self.folder)
        line = b"alice:%s:19000:0:99999:7:::\n" % HASH.encode("ascii")
        for module in (_unix, _spwd):
            self.patch(module, "SHADOW", kit.file("shadow", line))
        record = kit.userdb("x").getpwnam

        def getpwnam(name: str) -> Any:
            return record(name)

        self.patch(pwd, "getpwnam", getpwnam)
        if find_spec("spwd") is not None:
            with warnings.catch_warnings():
                warnings.simplefilter("ignore", DeprecationWarning)
                import spwd  # type: ignore[import-not-found]
            self.patch(spwd, "getspnam", self.getspnam)

    def tearDown(self) -> None:
        """
        Forget failures for which nobody has waited: what a method says that isn't asked
        for it.
        """
        gc.collect()
        self.flushLoggedErrors()

    def getspnam(self, name: str) -> Any:
        """
        Look up the shadow entry of the only user, as Twisted's checker does.
        """
        if name != "alice":
            raise KeyError(name)
        import spwd

        return spwd.struct_spwd((name, HASH, 19000, 0, 99999, 7, -1, -1, -1))

    def outcome(self, kit: Kit, login: Login) -> Any:
        """
        Make a login.

        @return: the avatar ID; L{None} if it is refused, for whatever reason.
        """
        ended: list[Any] = []
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            making = maybeDeferred(lambda: login.run(kit, login.make(kit)))
        making.addCallbacks(ended.append, lambda _: ended.append(None))
        # What a checker or a portal logs of a defect isn't what is tested here.
        self.flushLoggedErrors()
        (result,) = ended or ["nobody knows yet"]
        return result.encode() if isinstance(result, str) else result

    def sides(self, theirs: type, ours: type) -> Iterator[Kit]:
        """
        Make a kit of each side.
        """
        yield Kit(theirs, False, self.folder)
        yield Kit(ours, True, self.folder)

    def logins(self, theirs: type) -> list[Login]:
        """
        Return the logins in which a class has a part, and can have it here.
        """
        hasCrypt = find_spec("crypt") is not None
        every = LOGINS[theirs.__name__]
        return [one for one in every if hasCrypt or not one.needsCrypt]

    def test_logins(self) -> None:
        """
        Each class has a part in a login, which ends as with Twisted.
        """
        for theirs, ours in pairs():
            self.assertTrue(LOGINS[theirs.__name__])
            for login in self.logins(theirs):
                first, second = (
                    self.outcome(kit, login) for kit in self.sides(theirs, ours)
                )
                self.assertEqual(first, second, theirs)

    def test_everyMethodIsAsked(self) -> None:
        """
        Each method has a part in a login with Twisted, but for those in the list.
        """
        unasked = []
        for theirs, _ in pairs():
            for name in methodsOf(theirs):
                if not any(self.asked(theirs, False, name, theirs)):
                    unasked.append(f"{theirs.__name__}.{name}")
        if find_spec("crypt") is None:
            unasked = [one for one in unasked if not one.startswith("UNIX")]
        self.assertEqual(sorted(unasked), sorted(UNASKED))

    def asked(
        self,
        theirs: type,
        isOurs: bool,
        name: str,
        cls: type,
        place: Any = inSubclass,
    ) -> Iterator[list[tuple[Any, ...]]]:
        """
        Find out what a method is asked in each login.
        """
        for login in self.logins(theirs):
            call = Call(theirs, name, None)
            with self.patched():
                kit = place(Kit(cls, isOurs, self.folder), call, self)
                self.outcome(kit, login)
            yield call.calls

    def patched(self) -> Any:
        """
        Undo at the end what is patched meanwhile.
        """
        test = self

        class Patched:
            """
            Remember what there was to undo.
            """

            def __enter__(self) -> None:
                self.before = len(test._cleanups)

            def __exit__(self, *_: object) -> None:
                while len(test._cleanups) > self.before:
                    function, args, settings = test._cleanups.pop()
                    function(*args, **settings)

        return Patched()

    def test_asked(self) -> None:
        """
        A method that is overridden, wherever that is, is asked in the logins in which
        Twisted asks it, as often and with the same arguments.
        """
        for theirs, ours in pairs():
            for name in methodsOf(theirs):
                where = f"{theirs.__name__}.{name}"
                for place in PLACES:
                    first = list(self.asked(theirs, False, name, theirs, place))
                    second = list(self.asked(theirs, True, name, ours, place))
                    for wanted, got in zip(first, second, strict=True):
                        if where in OFTENER:
                            self.assertTrue(got or not wanted, where)
                            got = got[: len(wanted)]
                        self.assertEqual(len(wanted), len(got), (where, place))
                        for one, other in zip(wanted, got, strict=True):
                            self.assertAlike(one, other, where)

    def assertAlike(self, wanted: tuple[Any, ...], got: tuple[Any, ...], at: str) -> None:
        """
        Insist on arguments that are as good as Twisted's.
        """
        self.assertEqual(len(wanted), len(got), at)
        for one, other in zip(wanted, got, strict=True):
            if isinstance(one, (str, bytes, int)):
                # A nonce is never the same.
                self.assertIs(type(other) is bytes, type(one) is bytes, at)
                isSecret = at.startswith(("Digest", "Cram"))
                self.assertTrue(isSecret or one == other, at)
            elif at == "UNIXChecker.checkSpwd":
                self.assertTrue(other.getspnam("alice").sp_pwdp, at)
            elif not isinstance(one, FunctionType):
                self.assertIsInstance(other, type(one), at)

    def test_said(self) -> None:
        """
        Whatever an overridden method says, the login ends as with Twisted: nobody is let
        in whom a program withholds, or kept out whom it lets in.
        """
        for theirs, ours in pairs():
            for name in methodsOf(theirs):
                if f"{theirs.__name__}.{name}" in UNASKED:
                    continue
                for say in [None, *ANSWERS]:
                    for place in PLACES:
                        self.assertSame(theirs, ours, name, say, place)

    def assertSame(
        self, theirs: type, ours: type, name: str, say: Any, place: Any
    ) -> None:
        """
        Insist on the same end.
        """
        for number, login in enumerate(self.logins(theirs)):
            ends = []
            for kit in self.sides(theirs, ours):
                with self.patched():
                    call = Call(theirs, name, say)
                    ends.append(self.outcome(place(kit, call, self), login))
            at = f"{theirs.__name__}.{name} {place.__name__} {number} {say}"
            if ends[1] is None and f"{theirs.__name__}.{name}" in STRICTER:
                continue
            self.assertEqual(*ends, at)

    def test_constructor(self) -> None:
        """
        A subclass may skip our constructor, and do what Twisted's does: the login ends as
        with Twisted.
        """
        for theirs, ours in pairs():
            own = vars(theirs).get("__init__")
            if own is None:

                def own(self: Any, **_: object) -> None:
                    pass

            for login in self.logins(theirs):
                ends = [self.outcome(kit, login) for kit in self.sides(theirs, ours)]
                sub: Any = type(ours.__name__, (ours,), {"__init__": own})
                if theirs.__name__ == "AuthOptionMixin":
                    continue
                ends.append(self.outcome(Kit(sub, True, self.folder), login))
                self.assertEqual(len(set(map(repr, ends))), 1, f"{theirs} {ends}")
