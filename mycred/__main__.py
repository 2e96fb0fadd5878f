"""
C{python -m mycred}: the C{mycred} command.
"""

import sys

from ._cli import main

sys.exit(main())
