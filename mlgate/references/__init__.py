"""Readers of the code and configuration that names or loads models and datasets (see registry)."""
