"""What README and docs say must exist: links, paths, verbs, targets."""

import re
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[1]
PAGES = [ROOT / "README.md", *sorted((ROOT / "docs").glob("*.md"))]
TEXT = {page: page.read_text(encoding="utf-8") for page in PAGES}
README = TEXT[ROOT / "README.md"]
PROSE, BLOCKS = README.split("```")[::2], README.split("```")[1::2]
CODE = "\n".join([*BLOCKS, *re.findall(r"`([^`\n]+)`", "".join(PROSE))])


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.name)
def test_every_relative_link_leads_to_a_file(page):
    links = re.findall(r"\]\(([^)#]+)\)", TEXT[page])
    missing = [link for link in links if "://" not in link and not (page.parent / link).exists()]
    assert not missing


def test_every_path_in_the_tree_exists():
    tree = README.split("## The repository")[1].split("```")[1]
    places = [re.split(r" {2,}", line)[0] for line in tree.strip().splitlines()]
    paths = [path for place in places for path in place.split(", ")]
    assert [path for path in paths if not (ROOT / path).exists()] == []


def test_every_folder_is_in_the_tree():
    tree = README.split("## The repository")[1]
    tracked = subprocess.run(
        ["git", "ls-files", "src/w2s/*/*.py", "*/*"], cwd=ROOT, capture_output=True, text=True
    ).stdout.split()
    folders = {"/".join(path.split("/")[:3]) + "/" for path in tracked if path.count("/") >= 3}
    folders |= {path.split("/")[0] + "/" for path in tracked} - {"src/", ".ci/"}
    assert {folder for folder in folders if folder not in tree and "tests/" not in folder} == set()


def test_make_targets_are_in_the_makefile():
    makefile = (ROOT / "Makefile").read_text()
    for target in re.findall(r"\bmake ([a-z]+)", CODE):
        assert re.search(rf"^{target}:", makefile, re.M), target


def test_every_verb_exists():
    verbs = set(re.findall(r"\bw2s ([a-z-]+)", CODE))
    assert {"plan", "show", "recompute", "doctor"} <= verbs
    for verb in verbs:
        command = [sys.executable, "-m", "w2s", verb, "--help"]
        assert subprocess.run(command, capture_output=True).returncode == 0, verb


def test_every_snakemake_target_is_published():
    from w2s.params.load import load_study
    from w2s.plan.study import plan

    groups = plan(load_study(ROOT / "params.yaml")).groups.values()
    paths = {path for group in groups for path in group.paths}
    targets = re.findall(r"(results/\S+\.(?:json|csv|png))", CODE)
    targets = [target for target in targets if "<" not in target and "…" not in target]
    assert targets
    assert set(targets) <= paths


def test_benchmarks_named_run_as_modules():
    for name in (ROOT / "benchmarks").glob("*.py"):
        assert "__main__" in name.read_text(), name
