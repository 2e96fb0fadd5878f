"""
How Sphinx builds the documentation.
"""

project = "mycred"
author = "the mycred contributors"
copyright = author
extensions: list[str] = []
exclude_patterns = ["_build", "examples"]
html_theme = "alabaster"
nitpicky = True
