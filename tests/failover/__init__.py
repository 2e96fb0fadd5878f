"""
Tests for L{mycred._failover}.
"""
