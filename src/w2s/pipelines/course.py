"""What drawing with an SD3 takes, before any network is there: times, methods, forwards."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass

from w2s.errors import UserError
from w2s.guidance.base import Method, Signal
from w2s.guidance.windows import Window, resolve
from w2s.models.registry import shape_of
from w2s.pipelines.times import flow_times
from w2s.sampling.trajectories import Segment, nets_of, segment_forwards, signals_of
from w2s.sampling.tree import blocks_of

ALIKE = ("in_channels", "joint_attention_dim", "pooled_projection_dim")  # what networks share


@dataclass(frozen=True)
class Course:
    """How images of one size are drawn, whatever the prompts and the noise."""

    shape: tuple[int, int, int]  # channels, height and width of the latents
    times: tuple[float, ...]  # of all steps, and 0
    methods: tuple[Method | None, ...]  # of each step
    nets: Mapping[str, Mapping]  # configurations of the networks that take part; one is "main"

    @property
    def needs_null(self) -> bool:
        """Whether a method extrapolates from the negative prompt."""
        return any(signal.null for signal in _signals(self.methods))

    def use(self, text_tokens: int) -> dict:
        """What a configuration says beside, so that work is counted for this."""
        return {"latents": list(self.shape), "text_tokens": text_tokens}

    def forwards(self, text_tokens: int) -> float:
        """Forwards of the transformer for an image of a prompt of so many tokens."""
        use = {"kind": "sd3", **self.use(text_tokens)}
        shapes = {name: shape_of({**config, **use}) for name, config in self.nets.items()}
        return segment_forwards(Segment(0, self.methods), shapes, self.times)


def course_of(
    config: Mapping,
    scheduler: Mapping,
    guidance: Sequence[Window],
    *,
    steps: int,
    size: tuple[int, int],
    weak: Mapping[str, Mapping],
) -> Course:
    """The course of `steps` Euler steps.

    config: of the transformer, weak: of others by name, in diffusers' words.  scheduler: as
    `flow_times` takes it.  size: height and width of the latents.

    Raises UserError for what transformer, scheduler or guidance cannot do.
    """
    patch, most = config["patch_size"], config["pos_embed_max_size"]
    for name, side in zip(("height", "width"), size, strict=True):
        if side <= 0 or side % patch or side // patch > most:
            raise UserError(
                f"the {name} of the latents would be {side}: the transformer takes multiples of "
                f"{patch} up to {patch * most}"
            )
    times = flow_times(scheduler, steps, (size[0] // patch) * (size[1] // patch))
    methods = tuple(resolve(guidance, times))
    nets = {"main": config} | {name: _weak(name, weak, config) for name in nets_of(methods)}
    for signal in _signals(methods):
        blocks_of(signal, nets[signal.net]["num_layers"], None)
    return Course((config["in_channels"], *size), times, methods, nets)


def batches(count: int, batch: int) -> Iterator[list[int]]:
    """Numbers of images in batches of one size, the last filled up with the first ones again.

    A matrix product may round differently in another shape, so the shape never changes.
    """
    size = min(count, batch)
    for first in range(0, count, size):
        yield [number % count for number in range(first, first + size)]


def _signals(methods: Sequence[Method | None]) -> set[Signal]:
    return {signal for method in methods for signal in signals_of(method)}


def _weak(name: str, weak: Mapping[str, Mapping], main: Mapping) -> Mapping:
    """The network that the guidance calls by this name, if it can stand beside the main one."""
    if name not in weak:
        raise UserError(
            f"the guidance extrapolates from a network '{name}': give it as weak, where there is "
            f"{', '.join(weak) or 'none'}"
        )
    for key in ALIKE:
        if weak[name][key] != main[key]:
            raise UserError(
                f"the weak network '{name}' has {key} {weak[name][key]} and the transformer "
                f"{main[key]}: take one for the same latents and prompts"
            )
    return weak[name]
