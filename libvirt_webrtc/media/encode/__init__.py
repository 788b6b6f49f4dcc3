"""From planes to encoded frames."""
