"""
Tests for L{mycred.sasl}, with both ends of a connection in memory.
"""
