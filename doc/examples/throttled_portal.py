"""
A portal where guesses wait.
"""

from mycred.checkers import HtpasswdChecker
from mycred.portal import Portal
from mycred.sharedstate import openState
from mycred.stack import CheckerStack, Throttle


def makePortal(realm, users, state=None):
    """
    Return a portal.

    @param realm: its realm.
    @param users: the path of an htpasswd file.
    @param state: the URL of where several processes count together, such as
        C{redis://redis.example.org/0}; this one counts alone if L{None}.
    """
    throttle = Throttle(
        openState(state),
        exempt=["192.0.2.7", "2001:db8:7::/48"],
        pair=3,
        longest=120,
    )
    return Portal(realm, [CheckerStack([HtpasswdChecker(users)], throttle=throttle)])
