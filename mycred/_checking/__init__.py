"""
What checkers share.
"""
