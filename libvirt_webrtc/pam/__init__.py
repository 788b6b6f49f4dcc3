"""Passwords of the system's users, checked by PAM: a small root helper, and how the service asks it."""
