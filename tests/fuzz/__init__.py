"""Fuzzing of every reader: `python tests/fuzz/run.py --help`."""
