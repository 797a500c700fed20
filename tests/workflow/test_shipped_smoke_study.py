"""The smoke study as it is shipped, from nothing, with a warm process of its own."""

import json
import shutil

import pandas
from PIL import Image
from run_folder import ROOT, RunFolder

from w2s.params.load import load_study
from w2s.plan.study import plan
from w2s.store.keys import carried_key


def test_every_published_file_exists_opens_and_carries_its_key(tmp_path):
    study = RunFolder.create(tmp_path / "study", ROOT / "scales" / "smoke")
    shutil.copytree(ROOT / "claims", study.path / "claims")
    own = {name: value for name, value in study.environment.items() if name != "W2S_WARM"}
    study.snakemake(environment=own)
    planned = plan(load_study(study.path / "params.yaml"))
    wanted = {path: group.key for group in planned.groups.values() for path in group.paths}
    assert set(study.published()) == set(wanted)
    for path, key in wanted.items():
        file = study.path / path
        assert carried_key(file) == key, path
        if file.suffix == ".json":
            content = json.loads(file.read_text())
            assert content["families"] if "families" in content else content["n"] > 0
        elif file.suffix == ".csv":
            table = pandas.read_csv(file, comment="#")
            assert len(table) >= 5
        elif file.suffix == ".png":
            Image.open(file).load()
        else:
            assert len(file.read_text().splitlines()) > 5
    assert "Nothing to be done" in study.snakemake(environment=own)
    assert study.processes() == []
