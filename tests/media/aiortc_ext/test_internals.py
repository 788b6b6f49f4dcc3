"""What is used of aiortc and aioice and is not their public interface: listed completely, checked, refused if moved."""

import ast
from collections.abc import Iterator
from pathlib import Path

import aioice
import aioice.ice
import aiortc
import aiortc.codecs
import pytest

from libvirt_webrtc.errors import MediaError
from libvirt_webrtc.media import aiortc_ext
from libvirt_webrtc.media.aiortc_ext import internals, patches
from libvirt_webrtc.media.aiortc_ext.internals import USES, Use

PACKAGE = Path(aiortc_ext.__file__).parent
PRODUCT = PACKAGE.parents[1]
OURS = "_console_"
"""How the attributes begin that the patches put on aiortc's objects."""


def parse(path: Path) -> ast.Module:
    return ast.parse(path.read_text(encoding="utf-8"), str(path))


def is_private(name: str) -> bool:
    return name.startswith("_") and not name.endswith("__")


def attributes(tree: ast.AST) -> Iterator[ast.Attribute]:
    return (node for node in ast.walk(tree) if isinstance(node, ast.Attribute))


def own_names(tree: ast.Module) -> set[str]:
    """What the classes of a module have themselves: their methods, and what they assign to ``self``."""
    classes = [node for node in ast.walk(tree) if isinstance(node, ast.ClassDef)]
    functions = ast.FunctionDef | ast.AsyncFunctionDef
    methods = {part.name for each in classes for part in each.body if isinstance(part, functions)}
    stored = {each.attr for part in classes for each in attributes(part) if isinstance(each.ctx, ast.Store)}
    return methods | {name for name in stored if not name.startswith("_RTC")}


def used(tree: ast.Module) -> set[str]:
    """Attributes that are read or written, and names that are replaced."""
    own = own_names(tree)
    names = {
        each.attr for each in attributes(tree) if each.attr not in own and not each.attr.startswith(OURS)
    }
    for node in ast.walk(tree):
        if isinstance(node, ast.Call) and isinstance(node.func, ast.Name) and node.func.id == "replace":
            names |= {
                each.value
                for each in node.args
                if isinstance(each, ast.Constant) and isinstance(each.value, str)
            }
    return names


def test_everything_private_that_is_used_is_in_the_table_and_nothing_else() -> None:
    sources = [path for path in PACKAGE.glob("*.py") if path.stem != "internals"]
    names = set().union(*(used(parse(path)) for path in sources))
    listed = {use.name for use in USES}
    assert {name for name in names if is_private(name)} == {name for name in listed if is_private(name)}
    assert listed - names == set(), "listed and not used"


def libraries(tree: ast.Module) -> set[str]:
    """The packages that a module imports from."""
    names = [node.module or "" for node in ast.walk(tree) if isinstance(node, ast.ImportFrom)]
    names += [each.name for node in ast.walk(tree) if isinstance(node, ast.Import) for each in node.names]
    return {name.partition(".")[0] for name in names}


def test_only_this_package_uses_what_is_private_of_these_libraries() -> None:
    for path in PRODUCT.rglob("*.py"):
        if path.parent == PACKAGE or not libraries(parse(path)) & {"aiortc", "aioice", "av"}:
            continue
        foreign = [
            ast.unparse(each)
            for each in attributes(parse(path))
            if is_private(each.attr) and not (isinstance(each.value, ast.Name) and each.value.id == "self")
        ]
        assert foreign == [], path


def test_install_twice_patches_once() -> None:
    patches.install()
    extensions = list(aiortc.codecs.HEADER_EXTENSIONS["video"])
    handler = aioice.ice.StunProtocol.datagram_received
    patches.install()
    assert aiortc.codecs.HEADER_EXTENSIONS["video"] == extensions
    assert aioice.ice.StunProtocol.datagram_received is handler


@pytest.mark.parametrize(
    ("use", "fault"),
    [
        (Use(aioice.ice, "no_such_function", ()), r"aioice\.ice\.no_such_function is gone"),
        (Use(aioice.ice, "get_host_addresses", ("other",)), "get_host_addresses takes other arguments"),
        (Use(aioice.ice.Connection, "_gone", set_by="__init__"), r"Connection\._gone is not set by __init__"),
        (
            Use(aioice.ice.Connection, "_nominated", set_by="gone"),
            r"Connection\._nominated is not set by gone",
        ),
    ],
)
def test_what_has_moved_is_named_with_both_versions(
    use: Use, fault: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(internals, "USES", (*USES, use))
    versions = f"aiortc {aiortc.__version__} with aioice {aioice.__version__} cannot be used"
    with pytest.raises(MediaError, match=f"{versions}: .*{fault}"):
        internals.check()


@pytest.mark.parametrize("use", USES, ids=lambda use: f"{use.owner.__name__}.{use.name}")
def test_each_use_is_missed_where_it_is_gone(use: Use) -> None:
    """The check of each entry can fail: an entry whose check always passes protects nothing."""

    class Gone:
        def __init__(self) -> None:
            self.other = 1

    assert use.fault() is None
    moved = Use(Gone, use.name, use.parameters, "__init__" if use.set_by else None)
    assert moved.fault() is not None
