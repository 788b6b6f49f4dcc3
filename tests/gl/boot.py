"""A boot sector that paints a known picture through the Bochs VBE ports, for any VGA that QEMU has."""

import numpy as np

from libvirt_webrtc.picture.pixels import Pixels

WIDTH, HEIGHT = 640, 480
STEP = 0x010503
"""From each pixel to the next: every row is another one, and red, green and blue differ."""
MOVING = 64
"""So many pixels of the first row change with the timer, 18 times a second; where that is asked for."""

_BANKS = -(-WIDTH * HEIGHT * 4 // 65536)


def painted() -> Pixels:
    """``(480, 640, 4)``: B, G, R, and 0 where memory has it."""
    values = (np.arange(WIDTH * HEIGHT, dtype=np.uint32) * STEP & 0xFFFFFF).astype("<u4")
    pixels: Pixels = values.view(np.uint8).reshape(HEIGHT, WIDTH, 4)
    return pixels


TICKS_PER_S = 18


def sector(*, moving: bool = False, wait_s: int = 0) -> bytes:
    """512 bytes for the start of a disk. For ``wait_s`` the firmware's text stays."""
    code = bytearray(b"\xfc")  # cld
    if wait_s:
        code += b"\xfb\xb9" + (wait_s * TICKS_PER_S).to_bytes(2, "little")  # sti; mov cx, ticks
        code += b"\xf4\xe2\xfd"  # hlt; loop
    code += b"\xfa"  # cli
    # VBE_DISPI: off, size, depth, on with a linear framebuffer.
    for index, value in ((4, 0), (1, WIDTH), (2, HEIGHT), (3, 32), (4, 0x41)):
        code += b"\xba\xce\x01\xb8" + index.to_bytes(2, "little") + b"\xef"
        code += b"\xba\xcf\x01\xb8" + value.to_bytes(2, "little") + b"\xef"
    code += b"\x68\x00\xa0\x07"  # push 0xa000; pop es
    code += b"\x66\x31\xc0\x31\xdb"  # xor eax, eax; xor bx, bx
    bank = len(code)
    code += b"\x66\x50"  # push eax
    code += b"\xba\xce\x01\xb8\x05\x00\xef\xba\xcf\x01\x89\xd8\xef"  # the bank is bx
    code += b"\x66\x58\x31\xff\xb9\x00\x40"  # pop eax; xor di, di; mov cx, 16384
    pixel = len(code)
    code += b"\x66\xab\x66\x05" + STEP.to_bytes(4, "little")  # stosd; add eax, STEP
    code += b"\x66\x25\xff\xff\xff\x00"  # and eax, 0xffffff
    code += b"\xe2" + (pixel - len(code) - 2 & 0xFF).to_bytes(1, "little")  # loop
    code += b"\x43\x83\xfb" + _BANKS.to_bytes(1, "little")  # inc bx; cmp bx, _BANKS
    code += b"\x75" + (bank - len(code) - 2 & 0xFF).to_bytes(1, "little")  # jne
    code += b"\xba\xce\x01\xb8\x05\x00\xef\xba\xcf\x01\x31\xc0\xef"  # bank 0
    code += b"\xfb\x66\x31\xc0"  # sti; xor eax, eax
    tick = len(code)
    code += b"\xf4"  # hlt
    if moving:
        code += b"\x66\x05\x01\x01\x00\x00"  # add eax, 0x101
        code += b"\x31\xff\xb9" + MOVING.to_bytes(2, "little") + b"\xf3\x66\xab"  # rep stosd
    code += b"\xeb" + (tick - len(code) - 2 & 0xFF).to_bytes(1, "little")  # jmp
    return bytes(code).ljust(510, b"\0") + b"\x55\xaa"
