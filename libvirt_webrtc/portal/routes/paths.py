"""Paths, and parts of them, that several subjects share."""

UUID = "{uuid:[0-9a-fA-F]{8}(?:-[0-9a-fA-F]{4}){3}-[0-9a-fA-F]{12}}"
"""A domain's UUID, in any case; handlers make it lower case, as libvirt writes it."""

CALLBACK = "/login/oidc/callback"
"""Where an OpenID provider sends browsers back to; it is registered there."""
