"""What readers of a framebuffer are told of its changes: no pixel is lost, and no reader takes another's damage."""

import random

import numpy as np
import pytest

from libvirt_webrtc.picture.damage import MAX_DAMAGE_RECTS
from libvirt_webrtc.picture.framebuffer import Framebuffer
from libvirt_webrtc.picture.pixels import Rect
from tests.picture.helpers import BGRX, fill, noise


def test_map_update_beyond_the_picture_is_cut() -> None:
    framebuffer = Framebuffer()
    framebuffer.map(8, 8, 32, BGRX, fill(1, 8, 8))
    cursor = framebuffer.subscribe(lambda: None)
    framebuffer.update_map(6, 6, 10, 10)
    assert cursor.take() == (Rect(6, 6, 2, 2),)
    framebuffer.update_map(8, 8, 10, 10)
    assert cursor.take() == ()


def test_a_reader_is_woken_after_the_change_and_once_until_it_takes_it() -> None:
    framebuffer = Framebuffer()
    seen: list[int] = []
    cursor = framebuffer.subscribe(lambda: seen.append(int(framebuffer.pixels[0, 0, 0])))
    for value in (1, 2):
        framebuffer.scanout(1, 1, 4, BGRX, fill(value, 1, 1))
    assert seen == [1] and cursor.pending
    assert cursor.take() == (Rect(0, 0, 1, 1),) and not cursor.pending
    framebuffer.scanout(1, 1, 4, BGRX, fill(3, 1, 1))
    assert seen == [1, 3]


def test_readers_take_their_damage_independently() -> None:
    framebuffer = Framebuffer()
    framebuffer.scanout(8, 8, 32, BGRX, fill(1, 8, 8))
    one, other = (framebuffer.subscribe(lambda: None) for _ in range(2))
    framebuffer.update(0, 0, 2, 2, 8, BGRX, fill(2, 2, 2))
    assert one.take() == (Rect(0, 0, 2, 2),)
    framebuffer.update(6, 6, 2, 2, 8, BGRX, fill(3, 2, 2))
    assert one.take() == (Rect(6, 6, 2, 2),)
    assert other.take() == (Rect(0, 0, 2, 2), Rect(6, 6, 2, 2))


def test_a_framebuffer_is_watched_while_it_has_readers_and_collects_nothing_without() -> None:
    framebuffer = Framebuffer()
    assert not framebuffer.watched
    one, other = (framebuffer.subscribe(lambda: None) for _ in range(2))
    one.close()
    one.close()
    assert framebuffer.watched
    framebuffer.scanout(4, 4, 16, BGRX, fill(1, 4, 4))
    assert one.take() == () and other.take() == (Rect(0, 0, 4, 4),)
    other.close()
    assert not framebuffer.watched


def test_damage_of_a_larger_picture_is_cut_to_the_new_size() -> None:
    framebuffer = Framebuffer()
    framebuffer.scanout(8, 8, 32, BGRX, fill(1, 8, 8))
    cursor = framebuffer.subscribe(lambda: None)
    framebuffer.update(2, 2, 6, 6, 24, BGRX, fill(2, 6, 6))
    framebuffer.update(7, 0, 1, 1, 4, BGRX, fill(2, 1, 1))
    framebuffer.scanout(4, 4, 16, BGRX, fill(3, 4, 4))
    assert cursor.take() == (Rect(0, 0, 4, 4),)


@pytest.mark.parametrize("seed", range(20))
def test_damage_loses_no_pixel(seed: int) -> None:
    """Whoever copies only the damage, and all where the size changed, has the whole picture."""
    dice = random.Random(seed)
    framebuffer, copy = Framebuffer(), np.zeros((0, 0, 4), np.uint8)
    cursor = framebuffer.subscribe(lambda: None)
    framebuffer.scanout(97, 61, 97 * 4, BGRX, fill(0, 97, 61))
    for _ in range(60):
        for _ in range(dice.choice((1, 3, 40))):
            width, height = dice.randint(1, 30), dice.randint(1, 30)
            x, y = dice.randint(0, 97 - width), dice.randint(0, 61 - height)
            match dice.randint(0, 30):
                case 0:
                    framebuffer.resize(dice.randint(50, 97), dice.randint(40, 61))
                case 1:
                    framebuffer.scanout(97, 61, 97 * 4, BGRX, noise(97, 61, 97 * 4, dice.randint(0, 99)))
                case 2:
                    framebuffer.map(97, 61, 97 * 4, BGRX, noise(97, 61, 97 * 4, dice.randint(0, 99)))
                case _:
                    data = noise(width, height, width * 4, dice.randint(0, 999))
                    framebuffer.update(x, y, width, height, width * 4, BGRX, data)
        damage = cursor.take()
        assert len(damage) <= MAX_DAMAGE_RECTS
        if copy.shape != framebuffer.pixels.shape:
            copy = framebuffer.pixels.copy()
        for rect in damage:
            assert rect.clipped(framebuffer.width, framebuffer.height) == rect
            part = np.s_[rect.y : rect.bottom, rect.x : rect.right]
            copy[part] = framebuffer.pixels[part]
        assert (copy == framebuffer.pixels).all()
        assert cursor.take() == ()
