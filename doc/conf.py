"""
How Sphinx builds the prose; pydoctor builds the API's pages.
"""

project = "mycred"
author = "the mycred contributors"
project_copyright = author

extensions: list[str] = []
exclude_patterns = ["_build"]
nitpicky = True
highlight_language = "python"
html_theme = "alabaster"
html_theme_options = {
    "description": "Pluggable authentication for Twisted servers",
    "page_width": "1000px",
}
