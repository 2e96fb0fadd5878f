"""
Tests for the C{mycred} command.
"""
