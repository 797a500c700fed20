"""Kind `latents`: what the VAE makes of one shard of an index, as memory-mapped arrays."""

import json

import numpy as np
from numpy.lib.format import open_memmap

from w2s.data.images import Images
from w2s.device import pick
from w2s.errors import UserError
from w2s.job import Job
from w2s.models.vae import encode, load_vae, published_scaling


def build(job: Job) -> dict:
    """Encode rows shard::of of the index.

    Spec: resolution, flip (also encode each image mirrored), shard, of, batch.  Writes mean.npy
    and std.npy, float32 (n, 2 if flip else absent, C, h, w), rows.npy and labels.npy, int64 (n,),
    and latents.json: shape, the VAE's published shift and scale, and the sums over all latents.
    """
    spec = job.spec
    images = Images.of(job, spec["resolution"])
    vae = load_vae(job.parent("vae")).to(pick(job.execution.device))
    rows = np.arange(len(images))[spec["shard"] :: spec["of"]]
    if not len(rows):
        raise UserError(f"{len(images)} images cannot fill {spec['of']} shards: lower shards")
    starts = range(0, len(rows), spec["batch"])
    files: dict[str, np.ndarray] = {}
    total = total_sq = 0.0
    for start in job.progress(starts, len(starts), "encoding batch"):
        group = slice(start, start + spec["batch"])
        moments = _encode(vae, images.read(rows[group]), spec["batch"], spec["flip"])
        for name, values in zip(("mean", "std"), moments, strict=True):
            if name not in files:
                shape = (len(rows), *values.shape[1:])
                files[name] = open_memmap(job.out / f"{name}.npy", "w+", np.float32, shape)
            files[name][group] = values
        mean, std = (values.astype(np.float64) for values in moments)
        axes = tuple(axis for axis in range(mean.ndim) if axis != mean.ndim - 3)
        total += mean.sum(axes)
        # Training draws z = mean + std * noise, so the second moment of what it sees holds the
        # posterior's variance as well; leaving it out would scale sampled latents above one.
        total_sq += (mean**2 + std**2).sum(axes)
    for array in files.values():
        array.flush()
    np.save(job.out / "rows.npy", rows)
    np.save(job.out / "labels.npy", images.labels[rows])
    channels, size = mean.shape[-3], mean.shape[-1]
    shift, scale = published_scaling(vae) or (None, None)
    facts = {"classes": len(images.classes), "channels": channels, "size": size}
    facts |= {"shift": shift, "scale": scale, "sum": total.tolist(), "sum_sq": total_sq.tolist()}
    facts["count"] = files["mean"].size // channels  # values per channel behind the sums
    (job.out / "latents.json").write_text(json.dumps(facts, indent=1) + "\n")
    return {"images": len(rows)}


def _encode(vae, images: np.ndarray, batch: int, flip: bool) -> tuple[np.ndarray, np.ndarray]:
    """Mean and standard deviation; with `flip`, of the image and its mirror image on axis 1."""
    plain = encode(vae, images, batch)
    if not flip:
        return plain
    mirrored = encode(vae, np.ascontiguousarray(images[:, :, ::-1]), batch)
    return tuple(np.stack(pair, axis=1) for pair in zip(plain, mirrored, strict=True))
