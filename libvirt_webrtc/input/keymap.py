"""``KeyboardEvent.code`` to qnum, the number by which QEMU's keyboard interface knows a physical key.

Generated: do not edit. To generate again::

    python -m libvirt_webrtc.input.generate_keymap keymaps.csv > libvirt_webrtc/input/keymap.py

from keycodemapdb's ``data/keymaps.csv`` (sha256 900a7de50a691fe005bd3abac06fc471b00d16adf373e7ca0ee908fbf00fa7d0).
That table is under the GPL, version 2 or later, or the 3-clause BSD licence, at the user's choice; its output is used
here under the latter. Copyright (c) keycodemapdb's individual contributors.

A qnum is the key's XT (set 1) scan code; a code that follows an E0 prefix has 0x80 added. The comment is QEMU's name of
the key. A key that QEMU has no name for is left out: QEMU would ignore its number.
"""

from collections.abc import Mapping
from typing import Final

QNUM_BY_CODE: Final[Mapping[str, int]] = {
    "Again": 0x85,  # again
    "AltLeft": 0x38,  # alt
    "AltRight": 0xB8,  # alt_r
    "ArrowDown": 0xD0,  # down
    "ArrowLeft": 0xCB,  # left
    "ArrowRight": 0xCD,  # right
    "ArrowUp": 0xC8,  # up
    "AudioVolumeDown": 0xAE,  # volumedown
    "AudioVolumeMute": 0xA0,  # audiomute
    "AudioVolumeUp": 0xB0,  # volumeup
    "Backquote": 0x29,  # grave_accent
    "Backslash": 0x2B,  # backslash
    "Backspace": 0x0E,  # backspace
    "BracketLeft": 0x1A,  # bracket_left
    "BracketRight": 0x1B,  # bracket_right
    "BrowserBack": 0xEA,  # ac_back
    "BrowserFavorites": 0xE6,  # ac_bookmarks
    "BrowserForward": 0xE9,  # ac_forward
    "BrowserHome": 0xB2,  # ac_home
    "BrowserRefresh": 0xE7,  # ac_refresh
    "BrowserStop": 0xE8,  # stop
    "CapsLock": 0x3A,  # caps_lock
    "Comma": 0x33,  # comma
    "ContextMenu": 0xDD,  # compose
    "ControlLeft": 0x1D,  # ctrl
    "ControlRight": 0x9D,  # ctrl_r
    "Convert": 0x79,  # henkan
    "Copy": 0xF8,  # copy
    "Cut": 0xBC,  # cut
    "Delete": 0xD3,  # delete
    "Digit0": 0x0B,  # 0
    "Digit1": 0x02,  # 1
    "Digit2": 0x03,  # 2
    "Digit3": 0x04,  # 3
    "Digit4": 0x05,  # 4
    "Digit5": 0x06,  # 5
    "Digit6": 0x07,  # 6
    "Digit7": 0x08,  # 7
    "Digit8": 0x09,  # 8
    "Digit9": 0x0A,  # 9
    "End": 0xCF,  # end
    "Enter": 0x1C,  # ret
    "Equal": 0x0D,  # equal
    "Escape": 0x01,  # esc
    "F1": 0x3B,  # f1
    "F10": 0x44,  # f10
    "F11": 0x57,  # f11
    "F12": 0x58,  # f12
    "F13": 0x5D,  # f13
    "F14": 0x5E,  # f14
    "F15": 0x5F,  # f15
    "F16": 0x55,  # f16
    "F17": 0x83,  # f17
    "F18": 0xF7,  # f18
    "F19": 0x84,  # f19
    "F2": 0x3C,  # f2
    "F20": 0x5A,  # f20
    "F21": 0x74,  # f21
    "F22": 0xF9,  # f22
    "F23": 0x6D,  # f23
    "F24": 0x6F,  # f24
    "F3": 0x3D,  # f3
    "F4": 0x3E,  # f4
    "F5": 0x3F,  # f5
    "F6": 0x40,  # f6
    "F7": 0x41,  # f7
    "F8": 0x42,  # f8
    "F9": 0x43,  # f9
    "Find": 0xC1,  # find
    "Help": 0xF5,  # help
    "Hiragana": 0x77,  # hiragana
    "Home": 0xC7,  # home
    "Insert": 0xD2,  # insert
    "IntlBackslash": 0x56,  # less
    "IntlRo": 0x73,  # ro
    "IntlYen": 0x7D,  # yen
    "KanaMode": 0x70,  # katakanahiragana
    "KeyA": 0x1E,  # a
    "KeyB": 0x30,  # b
    "KeyC": 0x2E,  # c
    "KeyD": 0x20,  # d
    "KeyE": 0x12,  # e
    "KeyF": 0x21,  # f
    "KeyG": 0x22,  # g
    "KeyH": 0x23,  # h
    "KeyI": 0x17,  # i
    "KeyJ": 0x24,  # j
    "KeyK": 0x25,  # k
    "KeyL": 0x26,  # l
    "KeyM": 0x32,  # m
    "KeyN": 0x31,  # n
    "KeyO": 0x18,  # o
    "KeyP": 0x19,  # p
    "KeyQ": 0x10,  # q
    "KeyR": 0x13,  # r
    "KeyS": 0x1F,  # s
    "KeyT": 0x14,  # t
    "KeyU": 0x16,  # u
    "KeyV": 0x2F,  # v
    "KeyW": 0x11,  # w
    "KeyX": 0x2D,  # x
    "KeyY": 0x15,  # y
    "KeyZ": 0x2C,  # z
    "Lang1": 0x72,  # lang1
    "Lang2": 0x71,  # lang2
    "Lang4": 0x77,  # hiragana
    "LaunchApp1": 0xEB,  # computer
    "LaunchApp2": 0xA1,  # calculator
    "LaunchMail": 0xEC,  # mail
    "MediaPlayPause": 0xA2,  # audioplay
    "MediaSelect": 0xED,  # mediaselect
    "MediaStop": 0xA4,  # audiostop
    "MediaTrackNext": 0x99,  # audionext
    "MediaTrackPrevious": 0x90,  # audioprev
    "MetaLeft": 0xDB,  # meta_l
    "MetaRight": 0xDC,  # meta_r
    "Minus": 0x0C,  # minus
    "NonConvert": 0x7B,  # muhenkan
    "NumLock": 0x45,  # num_lock
    "Numpad0": 0x52,  # kp_0
    "Numpad1": 0x4F,  # kp_1
    "Numpad2": 0x50,  # kp_2
    "Numpad3": 0x51,  # kp_3
    "Numpad4": 0x4B,  # kp_4
    "Numpad5": 0x4C,  # kp_5
    "Numpad6": 0x4D,  # kp_6
    "Numpad7": 0x47,  # kp_7
    "Numpad8": 0x48,  # kp_8
    "Numpad9": 0x49,  # kp_9
    "NumpadAdd": 0x4E,  # kp_add
    "NumpadComma": 0x7E,  # kp_comma
    "NumpadDecimal": 0x53,  # kp_decimal
    "NumpadDivide": 0xB5,  # kp_divide
    "NumpadEnter": 0x9C,  # kp_enter
    "NumpadEqual": 0x59,  # kp_equals
    "NumpadMultiply": 0x37,  # kp_multiply
    "NumpadSubtract": 0x4A,  # kp_subtract
    "OSLeft": 0xDB,  # meta_l
    "OSRight": 0xDC,  # meta_r
    "Open": 0x64,  # open
    "PageDown": 0xD1,  # pgdn
    "PageUp": 0xC9,  # pgup
    "Paste": 0x65,  # paste
    "Pause": 0xC6,  # pause
    "Period": 0x34,  # dot
    "Power": 0xDE,  # power
    "PrintScreen": 0x54,  # sysrq
    "Props": 0x86,  # props
    "Quote": 0x28,  # apostrophe
    "ScrollLock": 0x46,  # scroll_lock
    "Semicolon": 0x27,  # semicolon
    "ShiftLeft": 0x2A,  # shift
    "ShiftRight": 0x36,  # shift_r
    "Slash": 0x35,  # slash
    "Sleep": 0xDF,  # sleep
    "Space": 0x39,  # spc
    "Tab": 0x0F,  # tab
    "Undo": 0x87,  # undo
    "WakeUp": 0xE3,  # wake
}
