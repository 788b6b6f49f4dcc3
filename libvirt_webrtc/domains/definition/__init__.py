"""Pure: reading and changing a domain's XML."""
