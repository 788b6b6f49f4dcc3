"""Tasks that cannot end unseen, and blocking calls off the event loop. Imports nothing of the program but `errors`."""
