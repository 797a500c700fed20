"""Imports run one way, from the command line down to the ground."""

import ast
from graphlib import TopologicalSorter
from pathlib import Path

import pytest

SRC = Path(__file__).parents[1] / "src" / "w2s"
ORDER = """
    errors strict keypaths sentences job device files streams
    guidance
    tuning
    plane
    data models
    conditions
    sampling
    pipelines
    world training weak metrics
    params
    plan
    store
    report artifacts
    run
    doctor
    cli __main__
"""
HEIGHT = {room: level for level, line in enumerate(ORDER.split("\n")) for room in line.split()}


def module_name(path: Path) -> str:
    return ".".join(["w2s", *path.relative_to(SRC).with_suffix("").parts]).removesuffix(".__init__")


MODULES = {module_name(path): path for path in SRC.rglob("*.py")}


def imported(path: Path) -> set[str]:
    """The project's modules that a file imports, at its top or inside a function."""
    found = set()
    for item in ast.walk(ast.parse(path.read_text())):
        if isinstance(item, ast.ImportFrom) and (item.module or "").startswith("w2s"):
            whole = {f"{item.module}.{name.name}" for name in item.names} & MODULES.keys()
            found |= whole or {item.module}
        elif isinstance(item, ast.Import):
            found |= {name.name for name in item.names if name.name.startswith("w2s")}
    return found


def room(module: str) -> str:
    return [*module.split("."), ""][1]


ARROWS = {
    (room(module), room(other))
    for module, path in MODULES.items()
    for other in imported(path)
    if room(other) and room(module) != room(other)
}


def test_every_room_has_a_place_in_the_order():
    assert {room(module) for module in MODULES} - {""} <= HEIGHT.keys()


@pytest.mark.parametrize(("upper", "lower"), sorted(ARROWS))
def test_no_arrow_runs_up(upper, lower):
    assert HEIGHT[lower] <= HEIGHT[upper], f"{upper} imports {lower}"


def test_rooms_make_no_circle():
    below: dict[str, set[str]] = {}
    for upper, lower in ARROWS:
        below.setdefault(upper, set()).add(lower)
    list(TopologicalSorter(below).static_order())  # raises CycleError, naming the circle


def test_modules_make_no_circle():
    list(TopologicalSorter({m: imported(path) - {m} for m, path in MODULES.items()}).static_order())


def test_no_file_imports_torch_to_plan():
    """What the plan rests on stays quick: no torch in the rooms that read parameters and plan."""
    heavy = {"torch", "diffusers", "torch_fidelity", "torchvision", "timm"}
    seen, todo = set(), ["w2s.plan.study", "w2s.run.start"]
    while todo:
        module = todo.pop()
        if module in seen or module not in MODULES:
            continue
        seen.add(module)
        tree = ast.parse(MODULES[module].read_text())
        for item in tree.body:  # at the top alone; functions may import what they use
            names = [a.name for a in item.names] if isinstance(item, ast.Import) else []
            names += [item.module or ""] if isinstance(item, ast.ImportFrom) else []
            assert not {name.split(".")[0] for name in names} & heavy, module
            todo += [n for n in names if n.startswith("w2s")]
            if isinstance(item, ast.ImportFrom):
                todo += [f"{item.module}.{a.name}" for a in item.names]
