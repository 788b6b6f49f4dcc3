"""The keyboard table against the standard's list of codes, and against numbers that were tried on QEMU."""

import pytest

from libvirt_webrtc.input.keymap import QNUM_BY_CODE

# UI Events KeyboardEvent code Values (W3C), section by section.
WRITING_SYSTEM = """
    Backquote Backslash BracketLeft BracketRight Comma Digit0 Digit1 Digit2 Digit3 Digit4 Digit5 Digit6 Digit7 Digit8
    Digit9 Equal IntlBackslash IntlRo IntlYen KeyA KeyB KeyC KeyD KeyE KeyF KeyG KeyH KeyI KeyJ KeyK KeyL KeyM KeyN
    KeyO KeyP KeyQ KeyR KeyS KeyT KeyU KeyV KeyW KeyX KeyY KeyZ Minus Period Quote Semicolon Slash
"""
FUNCTIONAL = """
    AltLeft AltRight Backspace CapsLock ContextMenu ControlLeft ControlRight Enter MetaLeft MetaRight ShiftLeft
    ShiftRight Space Tab Convert KanaMode Lang1 Lang2 Lang3 Lang4 Lang5 NonConvert
"""
CONTROL_AND_ARROW_PAD = """
    Delete End Help Home Insert PageDown PageUp ArrowDown ArrowLeft ArrowRight ArrowUp
"""
NUMPAD = """
    NumLock Numpad0 Numpad1 Numpad2 Numpad3 Numpad4 Numpad5 Numpad6 Numpad7 Numpad8 Numpad9 NumpadAdd NumpadBackspace
    NumpadClear NumpadClearEntry NumpadComma NumpadDecimal NumpadDivide NumpadEnter NumpadEqual NumpadHash
    NumpadMemoryAdd NumpadMemoryClear NumpadMemoryRecall NumpadMemoryStore NumpadMemorySubtract NumpadMultiply
    NumpadParenLeft NumpadParenRight NumpadStar NumpadSubtract
"""
FUNCTION = """
    Escape F1 F2 F3 F4 F5 F6 F7 F8 F9 F10 F11 F12 Fn FnLock PrintScreen ScrollLock Pause
    F13 F14 F15 F16 F17 F18 F19 F20 F21 F22 F23 F24
"""
MEDIA = """
    BrowserBack BrowserFavorites BrowserForward BrowserHome BrowserRefresh BrowserSearch BrowserStop Eject LaunchApp1
    LaunchApp2 LaunchMail MediaPlayPause MediaSelect MediaStop MediaTrackNext MediaTrackPrevious Power Sleep
    AudioVolumeDown AudioVolumeMute AudioVolumeUp WakeUp
"""
LEGACY = """
    Hyper Super Turbo Abort Resume Suspend Again Copy Cut Find Open Paste Props Select Undo Hiragana Katakana
    Unidentified
"""
STANDARD = frozenset(
    (WRITING_SYSTEM + FUNCTIONAL + CONTROL_AND_ARROW_PAD + NUMPAD + FUNCTION + MEDIA + LEGACY).split()
)

NO_SCAN_CODE = "the PC keyboard, which QEMU's numbers are taken from, has no such key"
NO_QEMU_KEY = "it has a scan code, but QEMU has no key for it, and ignores it"
NO_KEY = "not one physical key"
WITHOUT_QNUM = {
    **dict.fromkeys(
        """NumpadBackspace NumpadClear NumpadClearEntry NumpadHash NumpadMemoryAdd NumpadMemoryClear
        NumpadMemoryRecall NumpadMemoryStore NumpadMemorySubtract NumpadStar Fn FnLock Hyper Super Turbo Abort Resume
        Select""".split(),
        NO_SCAN_CODE,
    ),
    **dict.fromkeys(
        "Lang3 Lang5 Katakana NumpadParenLeft NumpadParenRight BrowserSearch Eject Suspend".split(),
        NO_QEMU_KEY,
    ),
    "Unidentified": NO_KEY,
}

NOT_IN_THE_STANDARD = {"OSLeft", "OSRight"}
"""Firefox's names of MetaLeft and MetaRight before version 118."""

# Every number that was written down while trying QEMU's D-Bus keyboard, in hexadecimal.
KNOWN = """
    Escape 01 Digit1 02 Digit2 03 Digit3 04 Digit4 05 Digit5 06 Digit6 07 Digit7 08 Digit8 09 Digit9 0a Digit0 0b
    Minus 0c Equal 0d Backspace 0e Tab 0f
    KeyQ 10 KeyW 11 KeyE 12 KeyR 13 KeyT 14 KeyY 15 KeyU 16 KeyI 17 KeyO 18 KeyP 19 BracketLeft 1a BracketRight 1b
    Enter 1c ControlLeft 1d
    KeyA 1e KeyS 1f KeyD 20 KeyF 21 KeyG 22 KeyH 23 KeyJ 24 KeyK 25 KeyL 26 Semicolon 27 Quote 28 Backquote 29
    ShiftLeft 2a Backslash 2b
    KeyZ 2c KeyX 2d KeyC 2e KeyV 2f KeyB 30 KeyN 31 KeyM 32 Comma 33 Period 34 Slash 35 ShiftRight 36
    NumpadMultiply 37 AltLeft 38 Space 39 CapsLock 3a
    F1 3b F2 3c F3 3d F4 3e F5 3f F6 40 F7 41 F8 42 F9 43 F10 44 NumLock 45 ScrollLock 46
    Numpad7 47 Numpad8 48 Numpad9 49 NumpadSubtract 4a Numpad4 4b Numpad5 4c Numpad6 4d NumpadAdd 4e
    Numpad1 4f Numpad2 50 Numpad3 51 Numpad0 52 NumpadDecimal 53 PrintScreen 54 IntlBackslash 56
    F11 57 F12 58 NumpadEqual 59 KanaMode 70 Lang2 71 Lang1 72 IntlRo 73 Convert 79 NonConvert 7b IntlYen 7d
    NumpadComma 7e
    NumpadEnter 9c ControlRight 9d NumpadDivide b5 AltRight b8 Pause c6 Home c7 ArrowUp c8 PageUp c9
    ArrowLeft cb ArrowRight cd End cf ArrowDown d0 PageDown d1 Insert d2 Delete d3 MetaLeft db MetaRight dc
    ContextMenu dd
    AudioVolumeMute a0 AudioVolumeDown ae AudioVolumeUp b0 MediaPlayPause a2 MediaStop a4 MediaTrackNext 99
    MediaTrackPrevious 90 Power de Sleep df WakeUp e3
""".split()


@pytest.mark.parametrize(("code", "qnum"), list(zip(KNOWN[::2], KNOWN[1::2], strict=True)))
def test_key_has_the_number_that_qemu_takes(code: str, qnum: str) -> None:
    assert QNUM_BY_CODE[code] == int(qnum, 16)


def test_every_code_of_the_standard_is_in_the_table_or_has_a_reason_not_to_be() -> None:
    assert STANDARD - set(QNUM_BY_CODE) == set(WITHOUT_QNUM)


def test_table_has_no_code_from_elsewhere() -> None:
    assert set(QNUM_BY_CODE) - STANDARD == NOT_IN_THE_STANDARD


def test_keys_of_japanese_and_brazilian_keyboards_and_pause_are_right() -> None:
    # A table written by hand had these wrong.
    assert (QNUM_BY_CODE["Pause"], QNUM_BY_CODE["IntlYen"], QNUM_BY_CODE["IntlRo"]) == (0xC6, 0x7D, 0x73)


def test_no_two_keys_share_a_number() -> None:
    same = {"OSLeft": "MetaLeft", "OSRight": "MetaRight", "Hiragana": "Lang4"}
    numbers = [qnum for code, qnum in QNUM_BY_CODE.items() if code not in same]
    assert len(numbers) == len(set(numbers))
    assert all(QNUM_BY_CODE[other] == QNUM_BY_CODE[code] for other, code in same.items())


def test_codes_fit_a_key_message() -> None:
    assert all(1 <= len(code) <= 32 and code.isascii() for code in QNUM_BY_CODE)
