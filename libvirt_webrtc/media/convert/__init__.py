"""From the guest's pixels to an encoder's planes."""
