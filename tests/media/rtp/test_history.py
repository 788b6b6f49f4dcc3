"""Packets kept for those who lost some."""

from libvirt_webrtc.media.rtp.history import BUDGET_BYTES, BUDGET_SHARE, HISTORY_PACKETS, REPEAT_S, History

HEADER, PAYLOAD = bytes(24), bytes(1_200)
SIZE = len(HEADER) + len(PAYLOAD)


def filled(count: int = HISTORY_PACKETS) -> History:
    history = History(0.0)
    for sequence in range(count):
        history.add(sequence, HEADER, PAYLOAD)
    return history


def test_lost_packet_is_found() -> None:
    history = filled(3)
    history.add(65_535, b"header", b"payload")
    assert history.take(0.0, 65_535, 0.0) == (b"header", b"payload")


def test_what_is_too_old_or_was_never_sent_is_not() -> None:
    history = filled(HISTORY_PACKETS + 1)
    assert history.take(0.0, 0, 0.0) is None
    assert history.take(0.0, 40_000, 0.0) is None
    assert history.take(0.0, HISTORY_PACKETS, 0.0) is not None


def test_what_is_forgotten_is_neither_sent_again_nor_counted_as_lost() -> None:
    history = filled()
    assert history.miss([5, 6]) == 2
    history.forget()
    assert history.miss([5, 6, 7]) == 0 and history.take(0.0, 5, 0.0) is None
    history.add(8, HEADER, PAYLOAD)
    assert history.miss([8]) == 1 and history.take(0.0, 8, 0.0) == (HEADER, PAYLOAD)


def test_same_packet_is_not_repeated_within_a_round_trip() -> None:
    history = filled()
    assert history.take(1.0, 5, 0.1) is not None
    assert history.take(1.09, 5, 0.1) is None
    assert history.take(1.11, 5, 0.0) is not None
    assert history.take(1.11 + REPEAT_S / 2, 5, 0.0) is None


def test_flood_of_requests_gets_the_budget_and_no_more() -> None:
    history, answered, now = filled(), 0, 0.0
    for _ in range(200):
        now += 0.05
        history.refill(now, 1_000_000)
        answered += sum(history.take(now, sequence, 0.0) is not None for sequence in range(HISTORY_PACKETS))
    assert answered * SIZE <= BUDGET_BYTES + now * 1_000_000 / 8 * BUDGET_SHARE
    assert answered * SIZE >= now * 1_000_000 / 8 * BUDGET_SHARE * 0.8
