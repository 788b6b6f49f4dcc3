"""Tasks that cannot end unseen, blocking calls off the event loop, and processes with a limit.

Imports nothing of the program but `errors`.
"""
