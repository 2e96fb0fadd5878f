"""
Plugins that make checkers, by auth type.

Another distribution adds one by a file in a directory C{mycred/plugins} of its
own, without an C{__init__.py}; see L{twisted.plugin.pluginPackagePaths}.
"""

from twisted.plugin import pluginPackagePaths

__path__.extend(pluginPackagePaths(__name__))
__all__: list[str] = []
