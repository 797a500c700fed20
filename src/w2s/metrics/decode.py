"""Kind `decoded`: images of a sample set, generated or real, and what a feature network says."""

from __future__ import annotations

import json
import shutil
from collections.abc import Callable, Iterable

import numpy as np

from w2s.conditions.prompt_sets import FILE
from w2s.data.images import Images
from w2s.device import pick
from w2s.errors import UserError
from w2s.files import write_json
from w2s.job import Job
from w2s.metrics.sample_sets import load_samples


def build(job: Job) -> dict:
    """Decode the samples of all shards, or read real images in their place, and extract features.

    spec: batch, images per forward of decoder and feature network.  Parents: features; segment
    (final shards), vae and latents for samples, or in the place of latents a spec with scaling, the
    shift and scale of the samples' latents.  For real images spec has also resolution,
    per_seed and seeds, and the parents are index and, for the rendered world, images; each seed
    then stands for a group of them.

    Images of prompts are left as they are, without features: the parents are segment, vae, which
    has the latents' constants, and prompts.  A prompt's label is the place of its text in
    prompts.json, which has each text once, in the order of the set.

    Writes images.npy (uint8 (n, H, W, 3)), labels.npy and seeds.npy (int64 (n,)), what the network
    gives of features.npy, logits.npy and spatial.npy (float32 (n, d)), all ordered by seed, then
    sample index, and network.json, the feature network's description.  Every group of images has
    one size, so that a run after one that was cut short gives the same bytes.  Raises UserError
    where shards overlap or leave gaps, or where there are too few real images.
    """
    from w2s.metrics.extractors import Network

    device = pick(job.execution.device)
    network = Network(job.parent("features"), device) if "features" in job.parents else None
    read = _real_images if "segment" not in job.parents else _samples if network else _of_prompts
    seeds, labels, images = read(job, device)
    np.save(job.out / "seeds.npy", seeds)
    np.save(job.out / "labels.npy", labels)
    if network:
        shutil.copyfile(job.parent("features") / "config.json", job.out / "network.json")
    parts = -(-len(labels) // job.spec["batch"])
    arrays: dict[str, np.ndarray] = {}
    done = 0
    for pictures in job.progress(images, parts, "decoding batch"):
        outputs = network.extract(pictures) if network else {}
        for name, values in ({"images": pictures} | outputs).items():
            if name not in arrays:
                arrays[name] = np.lib.format.open_memmap(
                    job.out / f"{name}.npy", "w+", values.dtype, (len(labels), *values.shape[1:])
                )
            arrays[name][done : done + len(pictures)] = values
        done += len(pictures)
    for values in arrays.values():
        values.flush()
    return {"seconds_features": network.seconds} if network else {}


Batches = tuple[np.ndarray, np.ndarray, Iterable[np.ndarray]]  # seeds, labels, images in batches


def _samples(job: Job, device) -> Batches:
    from w2s.data.latents import Latents
    from w2s.models.vae import decode, load_vae

    samples = load_samples(job.parents["segment"])
    own = job.spec.get("scaling")
    latents = None if own else Latents(job.parents["latents"])
    vae = load_vae(job.parent("vae")).to(device)

    def images(rows: slice) -> np.ndarray:
        x = samples["x"][rows]
        z = latents.denormalise(x) if latents else x / own["scale"] + own["shift"]
        return decode(vae, z, job.spec["batch"])

    return samples["seed"], samples["label"], _in_batches(images, len(samples["x"]), job)


def _of_prompts(job: Job, device) -> Batches:
    import torch

    from w2s.models.vae import load_vae
    from w2s.pipelines.decoding import decode

    samples = load_samples(job.parents["segment"])
    texts = json.loads((job.parent("prompts") / FILE).read_text(encoding="utf-8"))
    texts, (_, counts) = texts["texts"], np.unique(samples["seed"], return_counts=True)
    distinct = {text: place for place, text in enumerate(dict.fromkeys(texts))}
    write_json(job.out / FILE, list(distinct))
    # A set is drawn by seed, then prompt, then image.
    labels = np.repeat([distinct[text] for text in texts], counts[0] // len(texts))
    vae = load_vae(job.parent("vae")).to(device)

    def images(rows: slice) -> np.ndarray:
        return decode(vae, torch.from_numpy(samples["x"][rows]), job.spec["batch"])

    return (
        samples["seed"],
        np.tile(labels, len(counts)),
        _in_batches(images, len(samples["x"]), job),
    )


def _real_images(job: Job, device) -> Batches:
    spec = job.spec
    real = Images.of(job, spec["resolution"])
    rows = groups(real.labels, len(spec["seeds"]), spec["per_seed"])

    def images(here: slice) -> np.ndarray:
        return real.read(rows[here])

    seeds = np.repeat(spec["seeds"], spec["per_seed"])
    return seeds, real.labels[rows], _in_batches(images, len(rows), job)


def groups(labels: np.ndarray, count: int, size: int) -> np.ndarray:
    """Rows of `count` disjoint groups of `size` images, one group after the other.

    The images of each class are dealt to the groups in turn, so that all groups have the same mix
    of classes, as sample sets with balanced labels have.  Raises UserError for too few images.
    """
    if len(labels) < count * size:
        raise UserError(
            f"{len(labels)} real images are held out, but {count} groups of {size} are asked for: "
            "raise data.held_out or lower sampling.per_seed"
        )
    chosen = np.random.default_rng(0).permutation(len(labels))[: count * size]
    by_class = chosen[np.argsort(labels[chosen], kind="stable")]
    return np.concatenate([by_class[group::count] for group in range(count)])


def _in_batches(read: Callable, count: int, job: Job) -> Iterable[np.ndarray]:
    batch = job.spec["batch"]
    return (read(slice(first, min(first + batch, count))) for first in range(0, count, batch))
