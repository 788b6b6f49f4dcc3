"""Everything that reaches into aiortc, aioice and the libraries that PyAV bundles.

These offer no public way to what a console needs. ``patches.install`` changes aiortc and aioice for the whole process,
once; ``libx264`` drives the libx264 that PyAV has loaded. What is used and is not public is listed once, in
``internals.USES`` and ``libx264_library``, and checked before it is used: a release that has moved something is refused
with its version, not found out in the middle of a connection. docs/upstream.md says what would make each patch
unnecessary.
"""
