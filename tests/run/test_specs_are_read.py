"""What names a node is read by its builder: no key renames results that it does not change."""

import importlib
import json
from pathlib import Path

import tiny_points
import tiny_sd3
import yaml
from safetensors.numpy import save_file
from tiny_made import MADE
from tiny_text import TEXT, write

from w2s.job import Execution, Job
from w2s.params.load import load_study
from w2s.plan.kinds import KINDS
from w2s.plan.nodes import Node
from w2s.plan.plan import Plan
from w2s.plan.study import plan

SMALL = Path(__file__).parents[1] / "workflow/small.yaml"
TOLD_BY_NAME = {  # identities of what the builder reads or runs, which it need not look at
    ("index", "source"): "the fingerprint of the images",
    ("segment", "versions"): "of the methods whose code draws the samples",
}


class Recording(dict):
    """A spec that remembers which of its keys were asked for."""

    def __init__(self, spec: dict):
        super().__init__(spec)
        self.read: set[str] = set()

    def __getitem__(self, key):
        self.read.add(key)
        return super().__getitem__(key)

    def get(self, key, default=None):
        self.read.add(key)
        return super().get(key, default)

    def __iter__(self):  # `**spec` asks for each key then
        return iter(list(super().keys()))

    def items(self):
        self.read.update(super().keys())
        return super().items()

    def __or__(self, other):
        self.read.update(super().keys())
        return dict(self.items()) | other


def chosen(planned) -> set[str]:
    """A node for each set of keys that specs of a kind have, with all it rests on."""
    first = {(n.kind, tuple(n.spec)): key for key, n in reversed(planned.nodes.items())}
    found, todo = set(), list(first.values())
    while todo:
        key = todo.pop()
        if key not in found:
            found.add(key)
            todo += [k for keys in planned.nodes[key].inputs.values() for k in keys]
    return found


def unread(planned, wanted: set[str], root: Path) -> tuple[set, set]:
    """Builds nodes; gives their kinds with each key of a spec, and those that none looked at."""
    execution = Execution(device="cpu")
    missed: dict[tuple[str, str], bool] = {}
    for key, node in planned.nodes.items():
        if key not in wanted:
            continue
        spec, out = Recording(node.spec), root / key
        out.mkdir()
        parents = {role: [root / k for k in keys] for role, keys in node.inputs.items()}
        module, _, function = KINDS[node.kind].builder.partition(":")
        job = Job(node.kind, key, spec, out, parents, node.local, execution)
        getattr(importlib.import_module(module), function)(job)
        for name in node.spec:
            missed[node.kind, name] = missed.get((node.kind, name), True) and name not in spec.read
    return set(missed), {name for name, never in missed.items() if never}


def test_every_key_of_every_spec_is_read_by_its_builder(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    Path("scales").mkdir()
    Path("scales/small.yaml").write_text(yaml.safe_dump(yaml.safe_load(SMALL.read_text())))
    Path("params.yaml").write_text("scale: small\n")
    planned = plan(load_study(Path("params.yaml")))
    keys, missed = unread(planned, chosen(planned), tmp_path)
    assert {kind for kind, _ in keys} == {node.kind for node in planned.nodes.values()}
    assert missed == TOLD_BY_NAME.keys()


def test_every_key_of_the_specs_of_prompts_is_read(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    Path("params.yaml").write_text("scale: words\n")
    half = {"precision": "bf16", "weights": "bf16"}
    here = {"models": {"main": {"path": "sd3"}}, "height": 16, "width": 24}
    write(tmp_path, TEXT | here | {"sampling": TEXT["sampling"] | half})
    (tmp_path / "prompts.txt").write_text("red ring\nblue star\n")
    tiny_sd3.save(tmp_path / "sd3")
    planned = plan(load_study(Path("params.yaml")))
    keys, missed = unread(planned, set(planned.nodes), tmp_path)
    assert {kind for kind, _ in keys} == {node.kind for node in planned.nodes.values()}
    assert missed == {("segment", "versions"), ("vae", "fingerprint")}


def test_every_key_of_the_specs_of_points_is_read(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    tiny_points.write(tmp_path, tiny_points.POINTS)
    planned = plan(load_study(Path("params.yaml")))
    keys, missed = unread(planned, chosen(planned), tmp_path)
    assert {kind for kind, _ in keys} == {node.kind for node in planned.nodes.values()}
    assert missed == {("segment", "versions")}


def test_every_key_of_the_specs_of_a_probe_is_read(tmp_path):
    planned = Plan("test")
    world = {"classes": 2, "depth": 1, "seed": 2}
    points = planned.add(Node("points", {"world": world, "count": 4, "seed": 0}))
    network = tmp_path / "network"
    network.mkdir()
    config = {"kind": "exact", "world": world, "errors": {}}
    (network / "config.json").write_text(json.dumps(config))
    save_file({}, network / "model.safetensors")
    spec = {"guidance": {"none": [[2, None]]}, "versions": {}, "solver": "euler"}
    spec |= {"times": [1.0, 0.5, 0.0], "seeds": [0], "per_seed": 4, "measures": ["velocity"]}
    planned.add(Node("probe", spec, {"points": (points,), "model": (network.name,)}))
    keys, missed = unread(planned, set(planned.nodes), tmp_path)
    assert {kind for kind, _ in keys} == {"points", "probe"}
    assert missed == {("probe", "versions")}


def test_every_key_of_the_specs_of_a_world_is_read(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    Path("params.yaml").write_text("scale: made\n")
    write(tmp_path, MADE, "made")
    planned = plan(load_study(Path("params.yaml")))
    keys, missed = unread(planned, chosen(planned), tmp_path)
    assert {kind for kind, _ in keys} == {node.kind for node in planned.nodes.values()}
    assert missed == {("segment", "versions"), ("index", "source")}
