import pytest

from libvirt_webrtc.input.generate_keymap import generate, qnum

TABLE = b"""\
"Linux Name","AT set1 keycode","HTML code","QEMU QKeyCode"
KEY_A,0x1e,KeyA,a
KEY_SYSRQ,0x54,PrintScreen,print
KEY_SYSRQ,0x54,PrintScreen,sysrq
KEY_LEFTMETA,0xe05b,MetaLeft,meta_l
KEY_RIGHTMETA,0xe05c,MetaRight,meta_r
KEY_HANGEUL,0xf2,Lang1,lang1
KEY_KATAKANA,0x78,Lang3,
KEY_LINEFEED,0x5b,,lf
KEY_SELECT,,Select,
"""


@pytest.mark.parametrize(
    ("scan_code", "number"),
    [(0x01, 0x01), (0x7E, 0x7E), (0xE01C, 0x9C), (0xE046, 0xC6), (0xF1, 0x71), (0xF2, 0x72)],
)
def test_qnum_is_the_scan_code_with_its_prefix_as_the_high_bit(scan_code: int, number: int) -> None:
    assert qnum(scan_code) == number


@pytest.mark.parametrize("scan_code", [0x80, 0xE11D, 0xE0F0])
def test_qnum_refuses_what_is_no_scan_code(scan_code: int) -> None:
    with pytest.raises(ValueError, match="not a set 1 scan code"):
        qnum(scan_code)


def test_generated_table_has_the_keys_that_both_sides_know() -> None:
    names: dict[str, dict[str, int]] = {}
    exec(generate(TABLE), names)
    assert names["QNUM_BY_CODE"] == {
        "KeyA": 0x1E,
        "Lang1": 0x72,
        "MetaLeft": 0xDB,
        "MetaRight": 0xDC,
        "OSLeft": 0xDB,
        "OSRight": 0xDC,
        "PrintScreen": 0x54,
    }
