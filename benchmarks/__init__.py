"""
Benchmarks, as ratios against twisted.cred and against the limit, in one run::

    python -m benchmarks
"""
