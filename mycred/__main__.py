"""
C{python -m mycred}: the C{mycred} command.
"""

import sys

try:
    from ._cli import main

    sys.exit(main())
except KeyboardInterrupt:
    sys.exit(130)
