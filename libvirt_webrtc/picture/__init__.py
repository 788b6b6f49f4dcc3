"""Pure: a guest's picture in memory."""
