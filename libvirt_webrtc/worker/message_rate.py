"""How many messages come in a second: pure, without a clock."""


class MessageRate:
    """Counts messages of whole seconds, each of which begins with its first message.

    Args:
        most: messages in one second that are not too many.
    """

    def __init__(self, most: int) -> None:
        self._most = most
        self._began = float("-inf")
        self._count = 0

    def exceeded(self, now: float) -> bool:
        """Count one more message; whether it is one too many. ``now`` is seconds of any monotonic clock."""
        if now - self._began >= 1.0:
            self._began, self._count = now, 0
        self._count += 1
        return self._count > self._most
