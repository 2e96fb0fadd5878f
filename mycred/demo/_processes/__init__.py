"""
Several processes that serve the same sockets, so that a server uses all processors.

The process of C{twistd} opens the sockets and starts the workers, fresh interpreters that
are told the same command line and adopt its sockets.  It serves no client itself.  A
worker that ends is started again.

    - L{Supervisor}, in the process of C{twistd}, starts and ends the workers.
    - L{HoldingReactor}, there, opens sockets for them, and L{AdoptingReactor}, in a
      worker, takes these in place of new ones: endpoints don't notice.
    - L{WorkerService}, in a worker, ends it with the process of C{twistd}.
    - What a worker logs goes to the log of C{twistd}.

With C{--uid} the process of C{twistd} stays root, as those of other servers with workers
do: a worker that is started again needs the rights that the first one had at its start.
All that it reads of the workers is their log.

Sockets are shared, and not opened once for each worker (C{SO_REUSEPORT}): then the
connections that wait for a worker would be lost with it.
"""

from ._command import Command, absolutePath, argumentsOf, reactorOf
from ._lifeline import WorkerService
from ._sockets import AdoptingReactor, HoldingReactor, ServingReactor
from ._start import Start, workerOf
from ._supervisor import Supervisor

__all__ = [
    "AdoptingReactor",
    "Command",
    "HoldingReactor",
    "ServingReactor",
    "Start",
    "Supervisor",
    "WorkerService",
    "absolutePath",
    "argumentsOf",
    "reactorOf",
    "workerOf",
]
