"""
Metrics of logins: for Prometheus, or whatever else reads what C{prometheus_client} has.

::

    metrics = LoginMetrics()
    portal.watch(metrics)
    site.putChild(b"metrics", MetricsResource(metrics))

It takes the extra C{metrics}: C{pip install '.[metrics]'} in a checkout.
"""

from ._metrics import LoginMetrics, MetricsResource

__all__ = ["LoginMetrics", "MetricsResource"]
