"""How a worker gives up every right that it does not need, before it reads the first byte from a guest or a viewer.

``lock.py`` puts the layers together; each of the other modules is one layer, or what several of them need.
docs/security.md says what each of them keeps out.
"""
