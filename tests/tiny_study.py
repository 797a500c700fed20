"""A copy of the repository's parameter files that a test may edit."""

import shutil
from pathlib import Path

import yaml

from w2s.params.load import load_study
from w2s.params.parts import Part, Study
from w2s.plan.plan import Plan
from w2s.plan.study import plan

HOME = Path(__file__).resolve().parents[1]
DELETE = object()


class StudyFolder:
    """params.yaml and scales/ in a folder of their own."""

    def __init__(self, root: Path):
        self.root = root
        shutil.copytree(HOME / "scales", root / "scales")
        shutil.copy(HOME / "params.yaml", root)

    def edit(self, path: tuple, value, file: str = "scales/mini.yaml") -> None:
        """Set, or with DELETE remove, the key at a path."""
        target = self.root / file
        top = here = yaml.safe_load(target.read_text())
        for part in path[:-1]:
            here = here[part]
        if value is DELETE:
            del here[path[-1]]
        else:
            here[path[-1]] = value
        target.write_text(yaml.safe_dump(top, sort_keys=False))

    def load(self, **overrides) -> Study:
        return load_study(Path("params.yaml"), overrides)

    def part(self, name: str = "pictures", **overrides) -> Part:
        return self.load(**overrides).part(name)

    def plan(self, **overrides) -> Plan:
        return plan(self.load(**overrides))


def kinds_of(keys, planned: Plan) -> set[str]:
    """The kinds among some nodes of a plan."""
    return {planned.nodes[key].kind for key in keys}


def files_below(root: Path) -> dict[str, bytes]:
    """Name and content of every file."""
    return {str(p.relative_to(root)): p.read_bytes() for p in root.rglob("*") if p.is_file()}
