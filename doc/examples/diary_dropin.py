"""
The plugin that makes C{twistd diary} a command: C{twisted/plugins/diary_dropin.py} of
its distribution.
"""

from twisted.application.service import ServiceMaker

diary = ServiceMaker("diary", "diary.tap", "A diary on the web.", "diary")
