"""
A web site that counts its logins: try
C{curl -u alice:sesame http://127.0.0.1:8080/}, and then C{http://127.0.0.1:9100/metrics}.
"""

from __future__ import annotations

import sys
from typing import Any

from zope.interface import implementer

from twisted.internet import endpoints, task
from twisted.internet.defer import Deferred
from twisted.web.guard import BasicCredentialFactory
from twisted.web.resource import IResource, Resource
from twisted.web.server import Site
from twisted.web.static import Data

from mycred.checkers import InMemoryUsernamePasswordDatabaseDontUse
from mycred.metrics import LoginMetrics, MetricsResource
from mycred.portal import IRealm, Portal
from mycred.web import HTTPAuthSessionWrapper


@implementer(IRealm)
class PageRealm:
    """
    A realm in which all have the same page.
    """

    def requestAvatar(self, avatarId: object, mind: object, *interfaces: Any) -> Any:
        """
        Return the page.
        """
        page = Data(b"Welcome.\n", "text/plain")
        page.isLeaf = True
        return IResource, page, lambda: None


def makeSites(metrics: LoginMetrics) -> tuple[Site, Site]:
    """
    Return the site of the users, and that of Prometheus.
    """
    users = InMemoryUsernamePasswordDatabaseDontUse(alice=b"sesame")
    portal = Portal(PageRealm(), [users])
    portal.watch(metrics)
    guarded = HTTPAuthSessionWrapper(portal, [BasicCredentialFactory("pages")])
    numbers = Resource()
    numbers.putChild(b"metrics", MetricsResource(metrics))
    return Site(guarded), Site(numbers)


async def main(reactor: Any, where: str, numbers: str) -> None:
    """
    Serve both.
    """
    places = where, numbers
    for place, site in zip(places, makeSites(LoginMetrics())):
        await endpoints.serverFromString(reactor, place).listen(site)
    await Deferred()


if __name__ == "__main__":
    places = sys.argv[1:] or [f"tcp:{n}:interface=127.0.0.1" for n in (8080, 9100)]
    task.react(lambda *args: Deferred.fromCoroutine(main(*args)), places)
