"""Readers of model files, one module a format (see registry)."""
