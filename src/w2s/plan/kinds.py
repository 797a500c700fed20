"""The kinds of node: what builds each, and the version that its results belong to."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from w2s.metrics.score_registry import SCORES


@dataclass(frozen=True)
class Kind:
    """A unit of work that the store keeps results of.

    Raise `version` whenever the code behind the kind gives other bytes for the same spec: every
    node of the kind then has a new key, and so has all that rests on it.  A test compares the
    code with the digest recorded for the version; `w2s record-code` records it anew.
    """

    verb: str  # `w2s <verb> KEY` builds a node; also the stage's name in the progress bars
    builder: str  # module:function
    version: int = 1
    imports: tuple[str, ...] = ()  # slow imports of the builder, told apart from its work
    gpu: bool = False


# Modules, not packages: `import diffusers` or `import transformers` imports next to nothing.
AUTOENCODER = "diffusers.models.autoencoders.autoencoder_kl"
PIPELINE = "diffusers.pipelines.stable_diffusion_3.pipeline_stable_diffusion_3"
CLIP = "transformers.models.clip.modeling_clip"

KINDS = {
    "images": Kind("render", "w2s.world.render:build", version=2, imports=("numpy", "PIL.Image")),
    "index": Kind("index", "w2s.data.index:build", imports=("numpy", "PIL.Image")),
    "prompts": Kind("prompts", "w2s.conditions.prompt_sets:build"),
    "towers": Kind("towers", "w2s.world.towers:build", imports=("torch", CLIP)),
    "embeddings": Kind(
        "embed",
        "w2s.pipelines.embeddings:build",
        imports=("torch", PIPELINE),
        gpu=True,
    ),
    "points": Kind("points", "w2s.plane.points:build", version=2, imports=("torch",)),
    "features": Kind("features", "w2s.metrics.network:build", imports=("torch",), gpu=True),
    "clip": Kind("clip", "w2s.metrics.prompted.trained:build", imports=("torch", CLIP), gpu=True),
    "vae": Kind("vae", "w2s.training.vae:build", imports=("torch", AUTOENCODER), gpu=True),
    "latents": Kind("encode", "w2s.data.encode:build", imports=("torch", AUTOENCODER), gpu=True),
    "reference": Kind(
        "reference",
        "w2s.metrics.reference:build",
        version=2,
        imports=("torch", "torch_fidelity"),
        gpu=True,
    ),
    "train": Kind(
        "train", "w2s.training.loop:build", version=3, imports=("torch", "accelerate"), gpu=True
    ),
    "weights": Kind("extract", "w2s.weak.extract:build", imports=("numpy", "safetensors.numpy")),
    "pipeline": Kind("pipeline", "w2s.pipelines.assemble:build", imports=("torch", PIPELINE)),
    "segment": Kind(
        "segment", "w2s.sampling.segment:build", version=3, imports=("torch",), gpu=True
    ),
    "decoded": Kind(
        "decode",
        "w2s.metrics.decode:build",
        imports=("torch", "torch_fidelity", AUTOENCODER),
        gpu=True,
    ),
    "converted": Kind("convert", "w2s.metrics.prompted.converted:build", imports=("torch",)),
    "score": Kind("score", "w2s.metrics.score:build", imports=("numpy",)),
    "judge": Kind("judge", "w2s.metrics.judge:build", version=2, imports=("torch",)),
    "probe": Kind("probe", "w2s.metrics.probe:build", imports=("torch",)),
    "metrics": Kind(
        "evaluate",
        "w2s.metrics.evaluate:build",
        version=2,
        imports=("torch", "torch_fidelity"),
    ),
}
VERBS = {kind.verb: name for name, kind in KINDS.items()}


def on_gpu(kind: str, spec: Mapping) -> bool:
    """Whether a GPU speeds the work of a node up; of scores and metrics, where networks read."""
    if kind == "score":
        return SCORES[spec["score"]].parameters > 0
    if kind == "metrics":
        return "batch" in spec  # of images, whose features it extracts itself
    return KINDS[kind].gpu
