"""
A portal whose checker has a throttle, a cache and an audit log around it, and counts
logins.
"""

from collections import Counter

from mycred.checkers import HtpasswdChecker
from mycred.portal import Portal
from mycred.sharedstate import openState
from mycred.stack import AuditFile, AuditLog, CheckerStack, LoginCache, Throttle

#: How often logins have ended in each way.
outcomes = Counter()


def count(event):
    """
    Count a login.
    """
    outcomes[event.verdict] += 1


def makePortal(realm, users, logins):
    """
    Return a portal.

    @param realm: its realm.
    @param users: the path of an htpasswd file.
    @param logins: the path of the file that gets a line for each login.
    """
    # openState("redis://redis.example.org/0") counts together with other processes.
    throttle = Throttle(openState(), exempt=["192.0.2.0/24"])
    stack = CheckerStack(
        [HtpasswdChecker(users)],
        throttle=throttle,
        cache=LoginCache(seconds=300),
        audit=AuditLog(AuditFile(logins, format="json")),
        metrics=count,
    )
    return Portal(realm, [stack])
