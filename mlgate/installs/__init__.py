"""Readers of commands that install: they know how commands are written and what manifests say of packages."""
