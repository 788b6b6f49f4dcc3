"""One domain's console in a process of its own."""
