"""Kind `clip`: a small CLIP, trained on the spot on the miniature's images and captions.

Contrastive training alone learns colours and sizes long before shapes; linear heads that name
each attribute from the image's features, dropped afterwards, make it learn all.
"""

from __future__ import annotations

from pathlib import Path

import numpy as np
import torch
import torch.nn.functional as F
from torch import Tensor, nn

from w2s.data.attributes import read_attributes
from w2s.data.csv_files import write_csv
from w2s.data.images import Images
from w2s.device import pick
from w2s.errors import UserError
from w2s.files import write_json
from w2s.job import Job
from w2s.metrics.heads import ATTRIBUTES
from w2s.metrics.prompted.clip import Clip
from w2s.metrics.prompted.pictures import cropped
from w2s.world.scenes import CAPTION, SHAPES
from w2s.world.words import tokenizer

HELD_OUT = 10  # one image in ten validates
HEADS = 4
ACCURACY = "accuracy.json"


def build(job: Job) -> dict:
    """Write a folder clip/ as transformers reads it, log.csv, and accuracy.json: zero_shot_shape.

    Spec: width and layers of both towers, patch, steps, batch, lr, seed, resolution.  Parents:
    index, images.  It is the share of held-out images whose shape is told among captions
    that differ in nothing else.  Raises UserError where the loss is not finite.
    """
    spec, device = job.spec, pick(job.execution.device)
    real = Images.of(job, spec["resolution"])
    named = read_attributes(job.parent("index"))
    rng = np.random.default_rng(spec["seed"])
    rows = rng.permutation(len(real))
    held_out, rows = rows[: len(rows) // HELD_OUT], rows[len(rows) // HELD_OUT :]
    words = tokenizer(row["caption"] for row in named)
    torch.manual_seed(spec["seed"])
    network = _network(spec, words).to(device)
    values = {name: sorted({row[name] for row in named}) for name in ATTRIBUTES}
    heads = nn.Linear(spec["width"], sum(map(len, values.values()))).to(device)
    answers = torch.tensor([[values[a].index(row[a]) for a in values] for row in named])
    tokens = torch.tensor(words([row["caption"] for row in named]).input_ids)
    optimiser = torch.optim.AdamW([*network.parameters(), *heads.parameters()], lr=spec["lr"])
    rate = torch.optim.lr_scheduler.OneCycleLR(optimiser, spec["lr"], total_steps=spec["steps"])
    log, sizes = [], list(map(len, values.values()))
    for step in job.progress(range(spec["steps"]), spec["steps"], "CLIP step"):
        here = rng.choice(rows, spec["batch"], replace=False)
        pixels = cropped(real.read(here), spec["resolution"]).to(device)
        output = network(input_ids=tokens[here].to(device), pixel_values=pixels)
        contrast = _contrast(output.logits_per_image, tokens[here].to(device))
        parts = heads(output.image_embeds * spec["width"] ** 0.5).split(sizes, 1)
        wanted = answers[here].to(device)
        naming = sum(F.cross_entropy(part, wanted[:, i]) for i, part in enumerate(parts))
        loss = contrast + naming
        if not loss.isfinite():
            raise UserError(f"CLIP's loss is not finite at step {step}: lower its lr")
        optimiser.zero_grad()
        loss.backward()
        optimiser.step()
        rate.step()
        log.append([step + 1, f"{contrast.item():.6g}", f"{naming.item():.6g}"])
    network.eval().cpu().save_pretrained(job.out / "clip")
    words.save_pretrained(job.out / "clip")
    write_csv(job.out / "log.csv", ["step", "contrastive", "naming"], log)
    accuracy = _zero_shot(job.out / "clip", real.read(held_out), [named[i] for i in held_out])
    job.log(f"zero-shot accuracy of the shape {accuracy:.3f}")
    facts = {"zero_shot_shape": accuracy}
    write_json(job.out / ACCURACY, facts)
    return facts


def _network(spec: dict, words) -> nn.Module:
    from transformers import CLIPConfig, CLIPModel

    tower = {
        "hidden_size": spec["width"],
        "intermediate_size": 4 * spec["width"],
        "num_hidden_layers": spec["layers"],
        "num_attention_heads": HEADS,
    }
    text = {
        "vocab_size": len(words),
        "max_position_embeddings": words.model_max_length,
        "bos_token_id": words.bos_token_id,
        "eos_token_id": words.eos_token_id,
        "pad_token_id": words.pad_token_id,
    }
    image = {"image_size": spec["resolution"], "patch_size": spec["patch"]}
    config = CLIPConfig(
        text_config=tower | text, vision_config=tower | image, projection_dim=spec["width"]
    )
    return CLIPModel(config)


def _contrast(logits: Tensor, tokens: Tensor) -> Tensor:
    """CLIP's symmetric loss; images of one caption share its probability."""
    same = (tokens[:, None] == tokens).all(2).float()
    target = same / same.sum(1, keepdim=True)
    return (F.cross_entropy(logits, target) + F.cross_entropy(logits.T, target)) / 2


def _zero_shot(folder: Path, images: np.ndarray, named: list[dict[str, str]]) -> float:
    clip = Clip(folder)
    texts = clip.texts([CAPTION.format(**row | {"shape": s}) for row in named for s in SHAPES])
    cosines = (clip.images(images)[:, None] * texts.unflatten(0, (len(named), -1))).sum(2)
    told = cosines.argmax(1).tolist()
    shapes = list(SHAPES)
    return float(np.mean([shapes[i] == row["shape"] for i, row in zip(told, named, strict=True)]))
