"""
The metrics of a server, for C{prometheus_client}.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from typing import TYPE_CHECKING

from .._extras import installing
from ._counts import COUNTED, LoginCounts
from ._gauges import READ, Gauges
from ._samples import Family, Sample

if TYPE_CHECKING:
    from prometheus_client import Metric

#: All families, in the order in which they are told.
FAMILIES: dict[str, Family] = {**COUNTED, **READ}


class MissingLibrary(ImportError):
    """
    C{prometheus_client} isn't installed.
    """


class LoginMetrics(LoginCounts):
    """
    Count logins, and tell their number, and how the server is doing.

    It is what L{Portal.watch<mycred.portal.Portal.watch>} and
    L{CheckerStack<mycred.stack.CheckerStack>} take, and a collector of
    C{prometheus_client}::

        metrics = LoginMetrics()
        portal.watch(metrics)
        prometheus_client.REGISTRY.register(metrics)

    Without that library it can't be made.
    """

    def __init__(self, *, gauges: Gauges | None = None) -> None:
        """
        @param gauges: what reads queues, threads, servers and tables; those of this
            process if L{None}.

        @raise MissingLibrary: if C{prometheus_client} isn't installed.
        """
        insistOnLibrary()
        super().__init__()
        self._gauges = gauges or Gauges()

    def samples(self) -> Iterator[Sample]:
        """
        Return all numbers as they are now.
        """
        yield from super().samples()
        yield from self._gauges.samples()

    def collect(self) -> Iterator[Metric]:
        """
        Return all numbers as C{prometheus_client} wants them.
        """
        return metricsOf(self.samples())

    def describe(self) -> Iterator[Metric]:
        """
        Return the names of all numbers, for C{prometheus_client}.
        """
        return metricsOf(())


def metricsOf(samples: Iterable[Sample]) -> Iterator[Metric]:
    """
    Return samples as C{prometheus_client} wants them.
    """
    from prometheus_client import Metric

    metrics = {
        name: Metric(name, family.help, family.kind) for name, family in FAMILIES.items()
    }
    for family, suffix, labels, value in samples:
        metrics[family].add_sample(family + suffix, dict(labels), value)
    yield from metrics.values()


def insistOnLibrary() -> None:
    """
    Import C{prometheus_client}.

    @raise MissingLibrary: if it isn't installed.
    """
    try:
        import prometheus_client as prometheus_client
    except ImportError as error:
        if (error.name or "").partition(".")[0] != "prometheus_client":
            raise
        raise MissingLibrary(
            f"metrics take prometheus-client: {installing('metrics')}",
            name="prometheus_client",
        ) from None


__all__ = ["FAMILIES", "LoginMetrics", "MissingLibrary", "insistOnLibrary", "metricsOf"]
