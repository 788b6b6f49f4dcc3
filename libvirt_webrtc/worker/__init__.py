"""One domain's consoles in a process of their own, and that process as its supervisor sees it."""
