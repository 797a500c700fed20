"""The feature network that metrics are measured with: trained on the spot, or a published one.

A trained network writes model.safetensors, log.csv and config.json (its heads, the values that
name each class, and one global standard deviation by which features are divided, because KID's
cubic kernel explodes on raw ones).  Inception's weights file is checked by loading and copied;
DINOv2's becomes model.safetensors under the same names, with a config.json of its size.
"""

from __future__ import annotations

import shutil
from pathlib import Path

import numpy as np

from w2s.data.attributes import read_attributes
from w2s.data.csv_files import write_csv
from w2s.data.images import Images
from w2s.device import pick
from w2s.errors import UserError
from w2s.files import write_json
from w2s.job import Job
from w2s.metrics.heads import Heads, attribute_heads, class_heads

HELD_OUT = 10  # one image in ten validates
NOISE = 0.03  # standard deviation; decoded latents are slightly noisy


def build(job: Job) -> dict:
    """Train or copy the network that `job.spec["kind"]` names.

    spec, kind "trained": width, steps, batch, lr, seed, resolution, images (at most so many are
    used), heads ("attributes" or "class"); parents index and, for the toy, images.
    spec, kind "inception-v3-compat": fingerprint; job.local["path"] is torch-fidelity's file.
    spec, kind "dinov2": fingerprint, width, depth; job.local["path"] is the published file.
    """
    builders = {
        "trained": _train,
        "inception-v3-compat": _copy_inception,
        "dinov2": _convert_dinov2,
    }
    return builders[job.spec["kind"]](job)


def _copy_inception(job: Job) -> dict:
    from w2s.metrics.extractors import load_inception

    source = Path(job.local["path"])
    try:
        load_inception(source)
    except Exception as error:  # whatever torch.load and load_state_dict make of a wrong file
        raise UserError(
            f"{source} does not hold torch-fidelity's InceptionV3 weights "
            f"({str(error).splitlines()[0]}): download weights-inception-2015-12-05-6726825d.pth."
        ) from error
    shutil.copyfile(source, job.out / "weights.pth")
    write_json(job.out / "config.json", {"kind": "inception-v3-compat", "std": 1.0})
    return {}


def _convert_dinov2(job: Job) -> dict:
    from safetensors.torch import save_file

    from w2s.metrics.dinov2 import read

    size = {name: job.spec[name] for name in ("width", "depth")}
    weights = read(Path(job.local["path"]), **size)
    save_file(
        {name: value.contiguous() for name, value in weights.items()}, job.out / "model.safetensors"
    )
    write_json(job.out / "config.json", {"kind": "dinov2", "std": 1.0, **size})
    return {}


def _train(job: Job) -> dict:
    import torch
    from safetensors.torch import save_file

    from w2s.metrics.cnn import FeatureCNN

    spec, device = job.spec, pick(job.execution.device)
    rng = np.random.default_rng(spec["seed"])
    real = Images.of(job, spec["resolution"])
    rows = rng.permutation(len(real))[: spec["images"]]
    if len(rows) < HELD_OUT:
        raise UserError(
            f"the feature network has {len(rows)} images to learn from, but needs at least "
            f"{HELD_OUT}: give a larger data set or raise the feature network's images."
        )
    heads, targets = _targets(job, real, rows)
    images = torch.from_numpy(real.read(rows)).permute(0, 3, 1, 2).contiguous()
    targets = torch.from_numpy(targets)
    train = len(rows) - len(rows) // HELD_OUT

    torch.manual_seed(spec["seed"])
    net = FeatureCNN(spec["width"], heads.sizes).to(device)
    log = _fit(job, net, images[:train], targets[:train], heads, rng, device)
    embeddings, logits = _evaluate(net, images, device)
    hits = [
        (part[train:].argmax(1) == targets[train:, i]).float().mean().item()
        for i, part in enumerate(logits.split(list(heads.sizes.values()), 1))
    ]
    config = {
        "kind": "trained",
        "width": spec["width"],
        "resolution": spec["resolution"],
        "heads": heads.values,
        "classes": heads.classes,
        "std": embeddings.std().item(),
        "val_accuracy": dict(zip(heads.values, hits, strict=True)),
    }
    write_json(job.out / "config.json", config)
    save_file({k: v.cpu() for k, v in net.state_dict().items()}, job.out / "model.safetensors")
    write_csv(job.out / "log.csv", ["step", "loss"], log)
    job.log(f"validation accuracy {config['val_accuracy']}")
    return {"val_accuracy": config["val_accuracy"]}


def _targets(job: Job, real: Images, rows: np.ndarray) -> tuple[Heads, np.ndarray]:
    """The heads and what each of them should answer for `rows`: int64 (n, heads)."""
    if job.spec["heads"] == "class":
        return class_heads(real.classes), real.labels[rows][:, None]
    attributes = read_attributes(job.parent("index"))
    heads = attribute_heads(real.classes, attributes)
    answers = [
        [values.index(attributes[row][head]) for head, values in heads.values.items()]
        for row in rows
    ]
    return heads, np.array(answers, np.int64)


def _fit(job, net, images, targets, heads: Heads, rng, device) -> list[tuple[int, float]]:
    """AdamW under a one-cycle rate; every other batch blurred, as decoded latents are."""
    import torch
    from torch.nn import functional as F

    from w2s.metrics.cnn import to_unit

    spec, sizes = job.spec, list(heads.sizes.values())
    optimizer = torch.optim.AdamW(net.parameters(), lr=spec["lr"])
    rate = torch.optim.lr_scheduler.OneCycleLR(optimizer, spec["lr"], total_steps=spec["steps"])
    noise = torch.Generator().manual_seed(spec["seed"])
    log = []
    for step in job.progress(range(spec["steps"]), spec["steps"], "feature network step"):
        rows = torch.from_numpy(rng.integers(len(images), size=spec["batch"]))
        x = to_unit(images[rows])
        if step % 2:
            x = F.avg_pool2d(x, 3, 1, 1, count_include_pad=False)
        x = x + NOISE * torch.randn(x.shape, generator=noise)
        _, logits = net.read(x.to(device))
        answers = targets[rows].to(device)
        parts = logits.split(sizes, 1)
        loss = sum(F.cross_entropy(part, answers[:, i]) for i, part in enumerate(parts))
        if not loss.isfinite():
            raise UserError(
                f"the feature network's loss is not finite at step {step}: lower its lr."
            )
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
        rate.step()
        log.append((step + 1, loss.item()))
    return log


def _evaluate(net, images, device):
    """Embeddings and logits of all images, on the CPU."""
    import torch

    net.eval()
    with torch.inference_mode():
        outputs = [[part.cpu() for part in net(x.to(device))] for x in images.split(256)]
    return [torch.cat(parts) for parts in zip(*outputs, strict=True)]
