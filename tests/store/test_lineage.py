"""From a published number to its raw data, and forgetting what only one row uses."""

from pathlib import Path

import pytest

from w2s.cli import main
from w2s.errors import UserError
from w2s.files import write_text
from w2s.report.files import write_json
from w2s.run.frozen import FrozenPlan, freeze
from w2s.run.start import refuse_absent_files
from w2s.store import folders
from w2s.store.keys import KEYS, carried_key, carried_nodes, sync_keys
from w2s.store.lineage import group_of, own_nodes, recompute, show

FACTS = {
    "facts": {"forwards": 3},
    "seconds": 1.5,
    "start": "2026-01-01T00:00:00+00:00",
    "end": "2026-01-01T00:00:02+00:00",
    "hardware": {"gpu": "none", "cpus": "2"},
}


def fake_store(planned) -> None:
    """A small published node for each of a plan."""
    for node in planned.nodes.values():
        scratch = folders.scratch_dir(node.kind, node.key)
        (scratch / "data.txt").write_text(node.label)
        facts = FACTS | {"label": node.label, "spec": node.spec, "parents": node.parents}
        folders.publish(scratch, node.kind, node.key, facts)


def fake_files(planned) -> None:
    """All published files, each with its key; cells name their nodes."""
    for group in planned.groups.values():
        nodes = [["metrics", key] for key in group.needs if planned.nodes[key].kind == "metrics"]
        for path in map(Path, group.paths):
            if path.suffix == ".json":
                write_json(path, group.key, {"nodes": nodes[:1]})
            else:
                write_text(path, f"# w2s-key: {group.key}\n")


@pytest.fixture
def finished(study_folder):
    """The miniature study with everything computed."""
    planned = study_folder.plan()
    fake_store(planned)
    fake_files(planned)
    return planned


def present(planned) -> set[str]:
    return {key for key, node in planned.nodes.items() if folders.present(node.kind, key)}


def test_show_walks_to_the_raw_images(finished, capsys):
    path = "results/cells/guidance/sgg/fd.json"
    assert main(["show", path]) == 0
    out = capsys.readouterr().out
    assert finished.groups["cells/guidance/sgg"].key in out
    images, held_out = (
        next(key for key, node in finished.nodes.items() if node.label == f"render {what}")
        for what in ("images", "held-out images")
    )
    final = finished.sets["guidance", "sgg", 0]
    for key in (images, final.metrics, *final.segments, final.drawing.model):
        assert key in out
    assert "render images" in out
    assert "train small" in out  # the weak network's training
    other = finished.sets["guidance", "cfg-3", 0].metrics
    assert other not in out
    assert held_out not in out
    for key in (images, final.metrics):
        assert out.count(f" {key}  ") == 1  # each node once


def test_show_says_what_it_cannot_show(finished, tmp_path):
    with pytest.raises(UserError, match="name a cell"):
        show(Path("results/tables/guidance.csv"))
    with pytest.raises(UserError, match="name a cell"):
        show(Path("absent.json"))
    final = finished.sets["guidance", "sgg", 0]
    (folders.node_dir("metrics", final.metrics) / "manifest.json").write_text("{")
    with pytest.raises(UserError, match="is damaged: its manifest cannot be read"):
        show(Path("results/cells/guidance/sgg/fd.json"))


def test_recompute_forgets_what_only_that_row_uses(finished, study_folder):
    path = Path("results/cells/guidance/sgg/fd.json")
    final = finished.sets["guidance", "sgg", 0]
    said = recompute(path, study_folder.load())
    decoded = finished.nodes[final.metrics].parents["decoded"]
    gone = finished.nodes.keys() - present(finished)
    assert gone == {final.metrics, *decoded, *final.segments}
    assert said.endswith(f"now run: snakemake {path}")
    assert not any(Path(p).exists() for p in group_of(finished, path).paths)
    assert Path("results/cells/guidance/cfg-2/fd.json").exists()


def test_recompute_spares_rows_that_appear_twice(finished, study_folder):
    recompute(Path("results/cells/guidance/cfg/kid.json"), study_folder.load())
    assert present(finished) == finished.nodes.keys()  # the training table shows it too


def test_recompute_forgets_a_shared_beginning_when_nobody_else_begins_so(finished):
    """`cfg` and `sgg` share their first ten steps: neither owns them alone."""
    own = own_nodes(finished, finished.groups["cells/guidance/sgg"])
    shared = finished.nodes[finished.sets["guidance", "sgg", 0].segments[0]].helpers["from"]
    assert not set(shared) & set(own)
    assert own_nodes(finished, finished.groups["table/guidance"]) == []


def test_recompute_of_half_a_store_forgets_the_rest(finished, study_folder):
    final = finished.sets["guidance", "sgg", 0]
    folders.remove("metrics", final.metrics)
    recompute(Path("results/cells/guidance/sgg/fd.json"), study_folder.load())
    assert not present(finished) & {final.metrics, *final.segments}


def test_recompute_of_an_unknown_file_is_refused(finished, study_folder):
    with pytest.raises(UserError, match="this study does not publish"):
        recompute(Path("results/cells/x.json"), study_folder.load())


def test_recompute_spares_what_a_part_that_is_not_asked_for_uses(two_parts, capsys):
    two_parts.change("two/again", sampling={"steps": 4})  # now the rows `cfg` are one
    planned = two_parts.plan(scale="two")
    fake_store(planned)
    fake_files(planned)
    two_parts.edit(("parts",), "pictures", "params.yaml")
    assert main(["recompute", "results/cells/guidance/cfg/fd.json", "--scale", "two"]) == 0
    assert "forgot no nodes and 7 published files" in capsys.readouterr().out
    assert present(planned) == planned.nodes.keys()


def key_dates(planned) -> dict[str, float]:
    return {name: (KEYS / f"{name}.key").stat().st_mtime for name in planned.groups}


def test_key_files_are_old_where_published_files_show_what_is_wanted(finished):
    sync_keys(finished.groups)
    assert set(key_dates(finished).values()) == {0}


def test_key_files_are_new_where_files_are_missing_or_show_something_else(finished):
    sync_keys(finished.groups)
    Path("results/cells/guidance/slg/fd.json").unlink()
    write_text(Path("results/tables/training.csv"), f"# w2s-key: {'0' * 16}\n")
    Path("results/figures/training-curves.png").write_bytes(b"no key")
    sync_keys(finished.groups)
    dates = key_dates(finished)
    renewed = {name for name, date in dates.items() if date > 0}
    assert renewed == {"cells/guidance/slg", "table/training", "figure/curves"}
    sync_keys(finished.groups)
    assert key_dates(finished) == dates  # once is enough


def test_a_changed_study_renews_the_keys_of_what_shows_it(finished, study_folder):
    sync_keys(finished.groups)
    study_folder.edit(("tables", "guidance", "rows", "slg", "label"), "another")
    changed = study_folder.plan()
    sync_keys(changed.groups)
    renewed = {name for name, date in key_dates(changed).items() if date > 0}
    assert renewed == {"cells/guidance/slg", "table/guidance"}
    sync_keys(finished.groups)  # the edit taken back: what is published is right again
    assert set(key_dates(finished).values()) == {0}


def test_dates_of_published_files_do_not_matter(finished):
    for path in Path("results/cells").rglob("*.json"):
        path.touch()
    sync_keys(finished.groups)
    assert set(key_dates(finished).values()) == {0}


@pytest.mark.parametrize(
    "content",
    [
        b'{"w2s-key": "0123456789abcdef", "value": 1}',
        b"# w2s-key: 0123456789abcdef\nlabel,fd\n",
        b"<!-- w2s-key: 0123456789abcdef -->\n",
        b"% w2s-key: 0123456789abcdef\n",
        b"\x89PNG\r\n\x1a\n...tEXtw2s-key\x000123456789abcdef",
    ],
)
def test_the_key_is_found_in_every_format(tmp_path, content):
    (tmp_path / "file").write_bytes(content)
    assert carried_key(tmp_path / "file") == "0123456789abcdef"


@pytest.mark.parametrize("content", [b"", b"w2s-key: 0123", bytes(5000) + b"w2s-key: " + b"0" * 16])
def test_no_key_is_found_where_there_is_none(tmp_path, content):
    (tmp_path / "file").write_bytes(content)
    assert carried_key(tmp_path / "file") is None
    assert carried_nodes(tmp_path / "file") is None
    assert carried_key(tmp_path / "absent") is None


def test_keys_of_real_pictures_are_found(tmp_path):
    from PIL import Image
    from PIL.PngImagePlugin import PngInfo

    text = PngInfo()
    text.add_text("w2s-key", "0123456789abcdef")
    Image.new("RGB", (64, 64)).save(tmp_path / "x.png", pnginfo=text)
    assert carried_key(tmp_path / "x.png") == "0123456789abcdef"


def test_a_frozen_plan_is_the_plan(study_folder):
    planned = study_folder.plan()
    frozen = FrozenPlan(freeze(planned, {"threads": 2}))
    assert frozen.execution == {"threads": 2}
    assert frozen.nodes() == planned.nodes
    assert frozen.groups().keys() == planned.groups.keys()
    with pytest.raises(UserError, match="no node 0000; `w2s plan"):
        frozen.node("0000")
    for key, node in planned.nodes.items():
        assert frozen.node(key) == node
        assert frozen.node(key).key == key
    for name, group in planned.groups.items():
        assert frozen.group(name).key == group.key
        assert frozen.group(name).paths == group.paths
    with pytest.raises(UserError, match="publishes no table/x; it has "):
        frozen.group("table/x")


def test_frozen_plans_are_named_by_content(study_folder):
    one = freeze(study_folder.plan(), {})
    assert freeze(study_folder.plan(), {}) == one
    assert freeze(study_folder.plan(), {"threads": 2}) != one
    study_folder.edit(("sampling", "steps"), 21)
    assert freeze(study_folder.plan(), {}) != one
    assert len(list(one.parent.iterdir())) == 3
    assert FrozenPlan(one).scale == "mini"


def test_absent_data_is_refused_before_anything_runs(study_folder):
    planned = study_folder.plan(scale="paper")
    with pytest.raises(UserError, match=r"data/imagenet/train, .* does not exist"):
        refuse_absent_files(planned)


def test_the_overview_says_what_would_run_and_why(finished, study_folder, capsys):
    assert main(["plan"]) == 0
    assert "nothing to run" in capsys.readouterr().out
    study_folder.edit(("guidance", "cfg-3", "weight"), 4)
    final = study_folder.plan().sets["guidance", "cfg-3", 0]
    assert main(["plan"]) == 0
    out = capsys.readouterr().out
    assert f"{len(finished.nodes)} nodes, 3 to run" in out
    assert f"segment {final.segments[0]} sample cfg-3: changed since" in out
    assert f"metrics {final.metrics} evaluate cfg-3: rests on 1 node(s)" in out
    damaged = finished.sets["guidance", "sgg", 0].metrics
    (folders.node_dir("metrics", damaged) / "manifest.json").write_text("{")
    assert main(["plan"]) == 0
