"""Figures: how long things take, in a real browser, with real guests. Run with ``python -m tests.bench NAME``."""
