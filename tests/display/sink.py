"""A listener's sink that keeps what came."""


class Sink:
    """See ``ListenerSink``."""

    def __init__(self) -> None:
        self.cursors: list[tuple[int, int, int, int, bytes]] = []
        self.moves: list[tuple[int, int, bool]] = []
        self.problems: list[str] = []

    def define_cursor(self, width: int, height: int, hot_x: int, hot_y: int, pixels: bytes) -> None:
        self.cursors.append((width, height, hot_x, hot_y, pixels))

    def move_cursor(self, x: int, y: int, visible: bool) -> None:
        self.moves.append((x, y, visible))

    def unsupported(self, what: str) -> None:
        self.problems.append(what)

    @property
    def problem(self) -> str:
        """The newest; empty where there is none."""
        return self.problems[-1] if self.problems else ""
