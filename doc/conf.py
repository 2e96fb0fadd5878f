"""
How Sphinx builds the prose; pydoctor builds the API's pages, and must do so first: the
prose links to them.
"""

project = "mycred"
author = "the mycred contributors"
project_copyright = author

extensions = ["sphinx.ext.intersphinx"]
# Where the API's pages stand as seen from the prose, and pydoctor's list of them.
intersphinx_mapping = {"api": ("../api", "_build/api/objects.inv")}
exclude_patterns = ["_build"]
nitpicky = True
highlight_language = "python"
html_theme = "alabaster"
html_theme_options = {
    "description": "Pluggable authentication for Twisted servers",
    "page_width": "1000px",
}
