"""pyproject.toml names what the code imports, and the lock is made of it."""

import ast
import re
import subprocess
import sys
import tomllib
from importlib.metadata import packages_distributions
from pathlib import Path

import pytest
from packaging.requirements import Requirement
from packaging.version import Version

ROOT = Path(__file__).parents[1]
PROJECT = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]
EXTRAS = PROJECT["optional-dependencies"]
LOCK = (ROOT / "requirements" / "lock.txt").read_text()
PINS = re.findall(r"^([a-z0-9-]+)==([^ ;\\]+)", LOCK, re.M)
UNSEEN = {  # needed without being imported by name
    "tabulate": "pandas writes Markdown with it",
    "snakemake-executor-plugin-slurm": "snakemake finds it",
    "pytest-xdist": "a plugin of pytest",
    "ruff": "a program",
    "snakefmt": "a program",
}


def named(requirements: list[str]) -> set[str]:
    return {Requirement(line).name for line in requirements}


def imported(*folders: str) -> set[str]:
    """Distributions that files below some folders import, at their top or inside a function."""
    ours = {"w2s", "benchmarks"} | {path.stem for path in (ROOT / "tests").rglob("*.py")}
    modules = set()
    for path in (path for folder in folders for path in (ROOT / folder).rglob("*.py")):
        for item in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
            if isinstance(item, ast.Import):
                modules |= {name.name.split(".")[0] for name in item.names}
            elif isinstance(item, ast.ImportFrom):
                modules.add(item.module.split(".")[0])
    known = packages_distributions()
    # An import that nothing installed provides is named by itself, so that it fails below.
    return {
        known.get(module, [module])[0].lower().replace("_", "-")
        for module in modules - sys.stdlib_module_names - ours - {"snakemake_logger_plugin_w2s"}
    }


def test_the_program_depends_on_what_it_imports():
    assert imported("src") - named(PROJECT["dependencies"]) == set()


def test_tests_and_benchmarks_import_only_what_dev_adds():
    assert imported("tests", "benchmarks") - named(PROJECT["dependencies"] + EXTRAS["dev"]) == set()


def test_nothing_is_asked_for_that_nothing_uses():
    everything = named([*PROJECT["dependencies"], *(line for e in EXTRAS.values() for line in e)])
    used = imported("src", "tests", "benchmarks") | {"snakemake"} | UNSEEN.keys()
    assert everything - used == set()


@pytest.mark.parametrize(
    "line", [*PROJECT["dependencies"], *(line for extra in EXTRAS.values() for line in extra)]
)
def test_the_lock_holds_what_is_asked_for_in_the_major_version_that_is_the_bound(line):
    wanted = Requirement(line)
    (bound,) = [Version(s.version) for s in wanted.specifier if s.operator == ">="]
    pinned = [Version(version) for name, version in PINS if name == wanted.name]
    assert pinned, f"run make lock: {wanted.name} is not in it"
    for version in pinned:
        assert wanted.specifier.contains(version)
        assert version.major == bound.major


def test_the_lock_is_hashed_and_names_no_place():
    blocks = re.split(r"\n(?=[a-z0-9])", LOCK.strip())
    assert len(blocks) == len(PINS)
    assert all("--hash=sha256:" in block for block in blocks)
    assert not re.search(r"https?:|file:|--(extra-)?index-url|--find-links|#", LOCK)


def test_every_folder_of_the_source_is_packaged_with_its_data():
    folders = {path.parent for path in (ROOT / "src").rglob("*.py")}
    assert [folder for folder in folders if not (folder / "__init__.py").exists()] == []
    settings = tomllib.loads((ROOT / "pyproject.toml").read_text())["tool"]["setuptools"]
    declared = {
        f"{package.replace('.', '/')}/{file}"
        for package, files in settings["package-data"].items()
        for file in files
    }
    kept = subprocess.run(
        ["git", "ls-files", "src"], cwd=ROOT, capture_output=True, text=True, check=True
    ).stdout.split()
    data = {path.removeprefix("src/") for path in kept if not path.endswith(".py")}
    assert data == declared
