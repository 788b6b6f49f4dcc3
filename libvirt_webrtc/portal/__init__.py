"""The HTTP server: pages, sign-in, the list of domains, and WHEP signalling. It calls an ``Agent`` and nothing else."""
