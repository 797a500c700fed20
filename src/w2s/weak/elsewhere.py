"""Weights that were trained elsewhere: one of our folders, a checkpoint, or a pipeline's folder."""

from __future__ import annotations

import json
from pathlib import Path
from typing import TYPE_CHECKING

from w2s.errors import UserError
from w2s.files import write_json
from w2s.job import Job
from w2s.models.load import misfit
from w2s.pipelines import dit_folder
from w2s.pipelines.dit_folder import is_pipeline

if TYPE_CHECKING:
    from torch import Tensor


def bring(job: Job) -> dict:
    """Write model.safetensors, config.json and source.json of a pretrained network.

    Spec: kind, "pretrained" (a folder with config.json, if it has one, and model.safetensors, or
    one of a DiT in diffusers' layout), "public" (a single file) or "pipeline" (a folder of SD3 or
    SD3.5 in diffusers' layout, whose transformer is kept in the precision it is stored in);
    fingerprint; network, the configuration that the plan counts on.  The place is
    job.local["path"].  Raises UserError where files and
    configuration contradict each other.
    """
    from safetensors.torch import save_file

    path, network = Path(job.local["path"]), job.spec["network"]
    source = {"path": path.name, "fingerprint": job.spec["fingerprint"]}
    if job.spec["kind"] == "public":
        from w2s.models.public import read

        weights, config, dropped = read(path, network)
        source["dropped"] = dropped
        time = f"time runs {config['time']}; " if "time" in config else ""
        job.log(f"{path}: {time}left out: {', '.join(dropped) or 'nothing'}")
    elif job.spec["kind"] == "pipeline":
        from w2s.weak.pipeline import read as read_pipeline

        weights, source["files"] = read_pipeline(path, network)
        config = network
    else:
        weights, config = _folder(path, network)
    job.out.mkdir(parents=True, exist_ok=True)
    save_file(weights, job.out / "model.safetensors")
    write_json(job.out / "config.json", config)
    write_json(job.out / "source.json", source)
    return source


def _folder(path: Path, network: dict) -> tuple[dict[str, Tensor], dict]:
    from safetensors import SafetensorError
    from safetensors.torch import load_file

    file, config = path / "model.safetensors", network
    if is_pipeline(path):
        file, config = path / "transformer", dit_folder.read_config(path)
    elif (path / "config.json").exists():
        config = json.loads((path / "config.json").read_text())
    for key, value in network.items():
        if config.get(key) != value:
            raise UserError(f"{path}: its {key} is {config.get(key)} and not {value}")
    try:
        weights = dit_folder.read_weights(path) if is_pipeline(path) else load_file(file)
    except (OSError, SafetensorError) as error:
        raise UserError(f"{file} cannot be read, or is damaged: {error}") from None
    if wrong := misfit(weights, config):
        raise UserError(f"{file} does not hold the network of its configuration: {wrong}")
    return {name: value.float().contiguous() for name, value in weights.items()}, config
