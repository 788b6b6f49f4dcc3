"""The web side: pages, sign-in, the list of domains and WHEP signalling, on top of an ``Agent``."""
