"""What the portal may ask of the machine that runs the domains."""
