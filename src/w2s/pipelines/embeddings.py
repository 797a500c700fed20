"""Kind `embeddings`: a set of prompts as the text encoders of a pipeline folder see them."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import torch
from numpy.lib.format import open_memmap
from torch import Tensor

from w2s.conditions.prompt_sets import FILE, identities
from w2s.conditions.prompts import FACTS, POOLED, TEXT
from w2s.device import pick
from w2s.errors import UserError
from w2s.files import write_json
from w2s.job import Job
from w2s.pipelines.encoding import Encoded, encode
from w2s.pipelines.folder import PipelineFolder, read_folder
from w2s.pipelines.loading import load_text
from w2s.pipelines.weight_files import find_weights, read_json

TOWERS = ("text_encoder", "text_encoder_2")


def build(job: Job) -> dict:
    """Encode each distinct prompt once, and what stands for none.

    Spec: fingerprint of text encoders and tokenizers; precision of their weights and arithmetic;
    batch, prompts at once; negative, the text that stands for no prompt; t5, whether prompts pass
    through T5; max_sequence_length, tokens of its part, zeros without it.  Parent prompts; the
    folder is job.local["path"].  With parent towers, what it holds stands in the place of folder
    and fingerprint.

    Writes text.npy (R + 1, L, E) and pooled.npy (R + 1, P), a row for each of R distinct texts in
    the order in which they come and a last one of the negative text: float16 where the encoders
    ran in fp16, else float32.  And embeddings.json: of each prompt the `rows`, `hashes` and
    `copies`; of each row what was `truncated`, tokens by encoder; and `tokens`, L.
    Raises UserError for a folder that cannot be read, or that lacks the T5 asked for.
    """
    spec, made = job.spec, "towers" in job.parents
    folder = _towers(job.parent("towers")) if made else read_folder(Path(job.local["path"]))
    texts = json.loads((job.parent("prompts") / FILE).read_text(encoding="utf-8"))["texts"]
    distinct = list(dict.fromkeys(texts))
    pipe = _encoders(job, folder)
    truncated, tables = [], {}
    todo = [*distinct, spec["negative"]]
    starts = range(0, len(todo), spec["batch"])
    for first in job.progress(starts, len(starts), "encoding batch"):
        part = todo[first : first + spec["batch"]]
        encoded = encode(pipe, part, spec["max_sequence_length"], spec["batch"])
        truncated += encoded.truncated
        for name, rows in _arrays(encoded).items():
            if name not in tables:
                shape = (len(todo), *rows.shape[1:])
                tables[name] = open_memmap(job.out / name, "w+", rows.dtype, shape)
            tables[name][first : first + len(part)] = rows
    for table in tables.values():
        table.flush()
    row = {text: number for number, text in enumerate(distinct)}
    hashes, copies = zip(*identities(texts), strict=True)
    facts = {"rows": [row[text] for text in texts], "hashes": hashes, "copies": copies}
    facts |= {"truncated": truncated, "tokens": tables[TEXT].shape[1]}
    source = {} if made else {"fingerprint": spec["fingerprint"]}
    write_json(job.out / FACTS, facts | source)
    counts = {"prompts": len(texts), "distinct": len(distinct)}
    return counts | {"truncated": _reported(job, truncated)}


def _towers(path: Path) -> PipelineFolder:
    """The part of a pipeline that a `towers` node is."""
    weights = {name: find_weights(path / name, "transformers") for name in TOWERS}
    configs = [read_json(path / name / "config.json") for name in TOWERS]
    wide = {"joint_attention_dim": sum(config["hidden_size"] for config in configs)}
    (length,) = {config["max_position_embeddings"] for config in configs}
    return PipelineFolder(path, wide, {}, {}, length, False, weights)


def _encoders(job: Job, folder: PipelineFolder):
    spec, device = job.spec, pick(job.execution.device)
    if spec["t5"] and not folder.t5:
        raise UserError(f"{folder.path} has no T5 for prompts to pass through: set t5: false")
    pipe = load_text(folder, spec["precision"], spec["t5"])
    for part in (pipe.text_encoder, pipe.text_encoder_2, pipe.text_encoder_3):
        if part is not None:
            part.to(device)
    return pipe


def _arrays(encoded: Encoded) -> dict[str, np.ndarray]:
    tables = {TEXT: encoded.text, POOLED: encoded.pooled}
    return {name: _array(values.cpu()) for name, values in tables.items()}


def _array(values: Tensor) -> np.ndarray:
    """float16 as it is; numpy knows no bfloat16, which float32 holds exactly."""
    return (values if values.dtype == torch.float16 else values.float()).numpy()


def _reported(job: Job, truncated: list[dict[str, int]]) -> int:
    """How many texts are longer than an encoder reads; each is in the job's log."""
    cut = [(row, tokens) for row, tokens in enumerate(truncated) if tokens]
    for row, tokens in cut:
        what = " and ".join(f"{count} tokens of {name}" for name, count in tokens.items())
        job.log(f"text {row} is longer than the encoders read: {what} are cut off")
    return len(cut)
