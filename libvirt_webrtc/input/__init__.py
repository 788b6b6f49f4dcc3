"""A viewer's input as values: the data channels' messages, and the keyboard table."""
