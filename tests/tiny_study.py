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
    """params.yaml and scales/ in a folder of their own; of smoke and mini the pictures alone."""

    def __init__(self, root: Path):
        self.root = root
        shutil.copytree(HOME / "scales", root / "scales")
        for scale in ("smoke", "mini"):
            for file in (root / "scales" / scale).glob("*.yaml"):
                if file.stem != "pictures":
                    file.unlink()
        shutil.copy(HOME / "params.yaml", root)

    def edit(self, path: tuple, value, file: str = "scales/mini/pictures.yaml") -> None:
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


class TwoParts(StudyFolder):
    """A study folder with a scale of two parts, "pictures" and "again".

    "pictures" holds the table guidance of the smoke study; "again" one table with three of its
    rows, drawn in three steps, one of whose networks is trained for longer.
    """

    def __init__(self, root: Path):
        super().__init__(root)
        whole = self.part(scale="smoke").layers.merged()
        tables = whole["tables"]
        self.write("two/pictures", whole | {"tables": {"guidance": tables["guidance"]}})
        rows = {name: tables["training"]["rows"][name] for name in ("none", "cfg", "br")}
        trained = tables["training"] | {"rows": rows}
        nothing = {"probes": {}, "figures": {}}
        self.write("two/again", whole | nothing | {"tables": {"trained": trained}})
        self.change("two/again", sampling={"steps": 3}, sweep={"weights": {"cfg": [2, 3]}})
        self.edit(("training", "recipes", "br", "steps"), 20, "scales/two/again.yaml")

    def write(self, name: str, content: dict) -> None:
        """A file under scales/, in place of what was there."""
        file = self.root / "scales" / f"{name}.yaml"
        file.parent.mkdir(exist_ok=True)
        file.write_text(yaml.safe_dump(content, sort_keys=False))

    def change(self, name: str, **blocks) -> None:
        """Lay blocks over those of a file; None removes one."""
        old = yaml.safe_load((self.root / "scales" / f"{name}.yaml").read_text())
        new = {key: self._over(old.get(key), value) for key, value in blocks.items()}
        self.write(name, {k: v for k, v in (old | new).items() if v is not None})

    @staticmethod
    def _over(old, new):
        """A mapping over a mapping key by key; a block of another kind, or anything else, whole."""
        if not isinstance(old, dict) or not isinstance(new, dict) or "kind" in new:
            return new
        return old | new


def kinds_of(keys, planned: Plan) -> set[str]:
    """The kinds among some nodes of a plan."""
    return {planned.nodes[key].kind for key in keys}


def files_below(root: Path) -> dict[str, bytes]:
    """Name and content of every file."""
    return {str(p.relative_to(root)): p.read_bytes() for p in root.rglob("*") if p.is_file()}
