"""
The build is described in setup.cfg.
"""

from setuptools import setup

setup()
