"""The way of a picture points one way inside the media package too."""

import pytest

from tests.architecture.tree import imports

MAY_IMPORT = {
    "media.convert": {"media.convert"},
    "media.encode": {"media.encode", "media.convert", "media.formats", "media.aiortc_ext.libx264"},
    "media.rtp": {"media.rtp", "media.encode.frame", "media.formats"},
    "media.aiortc_ext.libx264": {"media.aiortc_ext"},
}
"""What each part may import of the media package. The binding of libx264 is below the encoders, while the patches, in
the same package, are above the tracks."""


def within(module: str, part: str) -> bool:
    return module == part or module.startswith((f"{part}.", f"{part}_"))


@pytest.mark.parametrize("part", MAY_IMPORT)
def test_lower_parts_know_nothing_of_what_is_above_them(part: str) -> None:
    wrong = [
        str(each)
        for each in imports()
        if within(each.source, part)
        and within(each.target, "media")
        and not any(within(each.target, allowed) for allowed in MAY_IMPORT[part])
    ]
    assert not wrong


def test_the_binding_of_libx264_knows_nothing_of_the_patches() -> None:
    taken = {each.target for each in imports() if within(each.source, "media.aiortc_ext.libx264")}
    assert {each for each in taken if within(each, "media")} <= {
        "media.aiortc_ext",
        "media.aiortc_ext.libx264_check",
        "media.aiortc_ext.libx264_library",
    }


def test_media_imports_pictures_and_errors_only() -> None:
    """But for what reaches into aiortc, which also reads servers' URLs, asks them in tasks, and tells what fails."""
    wrong = [
        str(each)
        for each in imports()
        if within(each.source, "media")
        and each.target.partition(".")[0] not in {"media", "picture", "errors"}
        and not (
            within(each.source, "media.aiortc_ext")
            and each.target.partition(".")[0] in {"config", "concurrency", "logs"}
        )
    ]
    assert not wrong
