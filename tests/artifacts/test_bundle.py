"""A bundle is the nodes asked for and no others: verified, one inode with store and cache."""

import os

import pytest

from w2s.artifacts import bundle as bundles
from w2s.artifacts.bundle import BUNDLES, bundle
from w2s.artifacts.cache import Cache, _link
from w2s.errors import UserError
from w2s.files import digests
from w2s.plan.nodes import Node
from w2s.store import folders


@pytest.fixture(autouse=True)
def workplace(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)


@pytest.fixture(params=["hardlink", "symlink", "copy"])
def cache(request, tmp_path):
    return Cache(tmp_path / "cache", request.param)


@pytest.fixture
def linked(tmp_path):
    return Cache(tmp_path / "cache", "hardlink")


def make(name: str, text: str | None = None) -> Node:
    node = Node("weights", {"name": name})
    scratch = folders.scratch_dir("weights", node.key)
    (scratch / "deep").mkdir()
    (scratch / "model.bin").write_text(text or name)
    (scratch / "deep/more.txt").write_text("of all nodes")
    folders.publish(scratch, "weights", node.key, {})
    return node


def shown(stage: str = "networks") -> dict[str, bytes]:
    root = BUNDLES / stage
    found = (path for path in root.rglob("*") if path.is_file())
    return {path.relative_to(root).as_posix(): path.read_bytes() for path in found}


def stored(*nodes: Node) -> dict[str, bytes]:
    found = (p for n in nodes for p in folders.node_dir("weights", n.key).rglob("*") if p.is_file())
    return {path.relative_to(folders.STORE).as_posix(): path.read_bytes() for path in found}


def test_it_holds_the_nodes_asked_for_and_no_others(cache):
    one, two, three = make("one"), make("two"), make("three")
    assert bundle("networks", [one, two], cache) == 6
    assert shown() == stored(one, two)
    assert bundle("networks", [one, two], cache) == 0
    (BUNDLES / "networks/stray").write_text("not recorded")
    assert bundle("networks", [two, three], cache) == 3
    assert shown() == stored(two, three)
    assert {path.name for path in (BUNDLES / "networks/weights").iterdir()} == {two.key, three.key}


def test_every_file_is_in_the_cache_by_its_md5(cache):
    node = make("one")
    bundle("networks", [node], cache)
    for name, content in stored(node).items():
        told = digests(folders.STORE / name)
        assert cache.object(told["md5"]).read_bytes() == content


def test_store_bundle_and_cache_are_one_inode(linked):
    one, two = make("one"), make("two")
    bundle("networks", [one, two], linked)
    for node in (one, two):
        inner = f"weights/{node.key}/model.bin"
        assert (folders.STORE / inner).samefile(BUNDLES / "networks" / inner)
    same = [folders.node_dir("weights", node.key) / "deep/more.txt" for node in (one, two)]
    assert same[0].samefile(same[1])  # equal files of two nodes are one as well
    folders.verify("weights", two.key)


def test_what_was_verified_is_not_read_again_until_it_changes(linked, monkeypatch):
    one, two = make("one"), make("two")
    bundle("networks", [one, two], linked)
    read = []

    def verify(kind, key):
        read.append(key)
        return folders.verified_or_set_aside(kind, key)

    monkeypatch.setattr(bundles, "verified_or_set_aside", verify)
    bundle("networks", [one, two], linked)
    assert read == []
    path = folders.node_dir("weights", two.key) / "model.bin"
    os.utime(path, ns=(0, path.stat().st_mtime_ns + 1))
    bundle("networks", [one, two], linked)
    assert read == [two.key]


def test_a_damaged_node_is_set_aside_and_never_linked(linked):
    one, two = make("one"), make("two")
    (folders.node_dir("weights", two.key) / "model.bin").write_text("wto")
    with pytest.raises(UserError, match="does not have the recorded checksum; it was moved to"):
        bundle("networks", [one, two], linked)
    assert not (BUNDLES / "networks" / "weights" / two.key).exists()
    assert not linked.object("0" * 32).exists()


def test_an_object_that_was_lost_is_put_back(cache):
    node = make("one")
    bundle("networks", [node], cache)
    for name in stored(node):
        cache.object(digests(folders.STORE / name)["md5"]).unlink()
    bundle("networks", [node], cache)
    assert shown() == stored(node)
    for name in stored(node):
        assert cache.object(digests(folders.STORE / name)["md5"]).exists()


def test_a_damaged_object_is_replaced_by_what_the_store_has(cache):
    node = make("one")
    md5 = digests(folders.node_dir("weights", node.key) / "model.bin")["md5"]
    cache.object(md5).parent.mkdir(parents=True)
    cache.object(md5).write_text("cut")
    bundle("networks", [node], cache)
    assert cache.object(md5).read_text() == "one"
    assert shown() == stored(node)


def test_links_that_lose_files_are_refused():
    with pytest.raises(UserError, match=r"dvc config cache\.type reflink,hardlink,copy"):
        _link(["reflink"])
    assert _link(None) == "copy"
    assert _link(["reflink", "hardlink", "copy"]) == "hardlink"
    assert _link(["symlink"]) == "symlink"
