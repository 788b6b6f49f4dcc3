"""The tests, and what they share; run them with ``tests/run.sh``."""
