"""Readers of dependency manifests and lockfiles, one module a format (see registry)."""
