"""Faults brought about on purpose, and what a viewer notices of them: ``python -m tests.faults``."""
