"""
What tests share: servers, programs, files and keys.
"""
