"""Tokens stand for nodes only as long as these are in the store."""

from w2s.plan.nodes import Node
from w2s.run.tokens import drop_stale_tokens, token_path
from w2s.store import folders


def node(name: str, stored: bool) -> Node:
    made = Node("weights", {"name": name})
    if stored:
        folders.node_dir("weights", made.key).mkdir(parents=True)
        folders.manifest_path("weights", made.key).write_text("{}")
    return made


def test_the_token_of_a_node_that_left_the_store_is_dropped(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    there, gone, never = node("there", True), node("gone", False), node("never", False)
    for made in (there, gone):
        token = token_path("weights", made.key)
        token.parent.mkdir(parents=True, exist_ok=True)
        token.touch()
    drop_stale_tokens([there, gone, never])
    assert token_path("weights", there.key).exists()
    assert not token_path("weights", gone.key).exists()
