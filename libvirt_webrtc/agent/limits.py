"""How long each step of opening a console may take, in seconds: one table, because each step waits on the one before.

::

    QEMU, ICE servers <- worker <- supervisor <- portal <- page

Who waits must wait longer than the one waited on, or an answer that says what is wrong comes when nobody listens any
more. ``tests/agent/test_limits.py`` asserts the order, also against the constants of the pages.
"""

LISTEN_S = 3.0
"""The worker waits this long for QEMU to take its listener (``RegisterListener`` and the handshake after it). QEMU's
main loop answers in milliseconds unless it stands still. The registration goes on meanwhile, for the next viewer."""

GATHER_S = 4.0
"""The worker waits this long for its own answer with all candidates. It waits 2 s for STUN and TURN servers
(``ANSWER_S`` in ``media/aiortc_ext/inquiry.py``) and then goes on without them; the rest is for this process to be
scheduled."""

WORKER_ANSWER_S = 10.0
"""The supervisor waits this long for a worker's answer to any request: more than LISTEN_S and GATHER_S together. A
worker that hangs is noticed by its missing heartbeat within 2 s, and ends the wait."""

AGENT_ANSWER_S = 11.0
"""The portal waits this long for the agent's answer to an offer."""

BODY_S = 5.0
"""The portal waits this long for the body of a request: at most 64 KiB, or 130 kbit/s."""

PAGE_ANSWER_S = 18.0
"""The page waits this long for the answer to its offer (``OFFER_TIMEOUT_MS`` in ``web/core/signalling.js``): more than
BODY_S and AGENT_ANSWER_S together."""

PAGE_OPEN_S = 10.0
"""The page waits this long, after the answer, for its data channels to open (``OPEN_TIMEOUT_MS`` in
``web/core/peer.js``)."""

CONNECT_S = 20.0
"""The worker gives up a viewer that has not connected this long after its answer: more than the answer's way to the
page and PAGE_OPEN_S together, so that it never ends what the page still waits for."""

HELLO_S = 10.0
"""The worker gives up a stream whose viewer has not said HELLO this long after it was opened; pages do so at once."""

MAX_STREAM_MESSAGE = 1024
"""Bytes of one message of a viewer on a stream, the index before it included; the longest is HELLO, with the names of
five formats."""

LIFT_S = 1.0
"""A worker that ends waits this long for QEMU to lift the keys and buttons that viewers hold. Then it sends what is
left without waiting: QEMU reads that when it goes on, also after the worker's end."""

WORKER_END_S = 3.0
"""The supervisor waits this long for a worker to end after it was told to, and then kills it: more than LIFT_S, and
some time to end viewers and encoders."""
