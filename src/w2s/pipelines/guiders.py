"""Any guidance of this project as a guider of diffusers' modular Stable Diffusion 3 pipelines.

diffusers' own guiders skip blocks with their two streams exchanged, and weaken the negative prompt
where the positive one is meant; this one holds a list of windows and is right in the same loop.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from diffusers import SD3Transformer2DModel
from diffusers.configuration_utils import register_to_config
from diffusers.guiders import BaseGuidance
from diffusers.guiders.guider_utils import GuiderOutput
from diffusers.hooks import HookRegistry, ModelHook
from torch import Tensor, nn

from w2s.errors import UserError
from w2s.guidance.base import Method, Signal, State
from w2s.guidance.reading import read_guidance
from w2s.guidance.windows import resolve
from w2s.pipelines.times import flow_times
from w2s.sampling.trajectories import nets_of, signals_of
from w2s.sampling.tree import blocks_of

SCHEDULER = {"_class_name": "FlowMatchEulerDiscreteScheduler", "shift": 3.0}  # SD3 as released
HOOK = "windowed_guidance"
TOLERANCE = 1e-5  # of t: more than float32 loses, less than any two steps are apart


@dataclass
class _Run:
    """One trajectory under way."""

    times: tuple[float, ...]
    methods: list[Method | None]  # of each step
    state: State = field(default_factory=State)
    x: Tensor | None = None  # latents of the step under way
    signals: tuple[Signal, ...] = ()  # what the loop computes for it, in this order


class WindowedGuidance(BaseGuidance):
    """Guidance by windows over the noise level, each with a method (docs/guidance.md).

    windows: as in a study, a list of mappings or one; it is what is saved and loaded.
    scheduler: configuration of the pipeline's FlowMatchEulerDiscreteScheduler, from which the
    times of all steps follow; that of the released SD3 and SD3.5 if not given.  A pipeline that
    samples at other times is refused; in a `ForkedDenoiseStep` any times will do.
    enabled: whether to guide at all.

    Separate weak networks are not saved: `set_network` gives them, also after loading.  Raises
    UserError for windows that cannot be read, or that read a mid-depth head, which SD3 has not.
    """

    _input_predictions = ["pred_cond", "pred_uncond"]  # noqa: RUF012 - diffusers asks for a list

    @register_to_config
    def __init__(
        self,
        windows: list[dict[str, Any]] | dict[str, Any],
        scheduler: dict[str, Any] | None = None,
        enabled: bool = True,
    ):
        super().__init__(enabled=enabled)
        self.windows = read_guidance(windows)
        self.networks: dict[str, nn.Module] = {}
        self._run: _Run | None = None

    def set_network(self, name: str, transformer: SD3Transformer2DModel) -> None:
        """Give the weak network that windows call by this name.

        Raises UserError where none does.
        """
        named = sorted({window.weak for window in self.windows if hasattr(window, "weak")})
        if name not in named:
            raise UserError(
                f"no window of the guidance compares with a network '{name}'; "
                f"its networks are: {', '.join(named) or 'none'}"
            )
        self.networks[name] = transformer

    def methods(self, times: Sequence[float], negative: bool) -> list[Method | None]:
        """What is done at each step of a trajectory with these N + 1 times.

        negative: whether there is a negative prompt.  Raises UserError where the guidance asks
        for one that is missing, for a network that is not set, or for a mid-depth head.
        """
        if not self._enabled:
            return [None] * (len(times) - 1)
        methods = resolve(self.windows, times)
        for index, method in enumerate(methods):
            signals = signals_of(method)
            if any(signal.null for signal in signals) and not negative:
                raise UserError(
                    f"the guidance compares with the negative prompt at t = {times[index]:.4g}, "
                    'but the pipeline was given none: pass negative_prompt="" for the empty prompt'
                )
            if any(signal.head for signal in signals):
                raise UserError(
                    "the guidance reads a head at mid depth, which SD3 has not: take another "
                    "method, such as skip_layer"
                )
        for name in nets_of(methods):
            if name not in self.networks:
                raise UserError(
                    f"the guidance compares with a network '{name}', which is not saved with it: "
                    f"call set_network('{name}', transformer) before sampling"
                )
        return methods

    # What the loop of a modular pipeline calls in each step, in this order.

    def set_state(self, step: int, num_inference_steps: int, timestep: Tensor) -> None:
        """Say which step comes; step 0 begins a trajectory, and nothing is left of another."""
        super().set_state(step, num_inference_steps, timestep)
        if step == 0:
            self._run = None

    def prepare_inputs(self, data: Mapping[str, Tensor | tuple[Tensor, Tensor]]) -> list:
        """A batch for each prediction of this step.

        data: latents and embeddings, each a pair with the negative prompt's where there is one.
        Raises UserError as `methods` does, and where the pipeline's times are not those of
        `scheduler`.
        """
        latents = data["hidden_states"]
        negative = isinstance(latents, tuple)
        x = latents[0] if negative else latents
        if self._run is None:
            tokens = x.shape[-2] * x.shape[-1] // 4  # patches of 2 x 2, as in all of SD3
            times = flow_times(
                self.config.scheduler or SCHEDULER, self._num_inference_steps, tokens
            )
            self._run = _Run(times, self.methods(times, negative))
        run, t = self._run, float(self._timestep) / 1000
        if abs(t - run.times[self._step]) > TOLERANCE:
            raise UserError(
                f"the pipeline is at t = {t:.4g} in step {self._step} and the guidance expected "
                f"{run.times[self._step]:.4g}: give it scheduler=dict(pipe.scheduler.config), or "
                "for times of your own use forked(blocks)"
            )
        run.x, run.signals = x, signals_of(run.methods[self._step])
        return [self._prepare_batch(data, int(s.null), _name(s)) for s in run.signals]

    def prepare_models(self, denoiser: nn.Module) -> None:
        """Have the transformer's next forward pass compute the next prediction."""
        super().prepare_models(denoiser)
        self.cleanup_models(denoiser)  # where the last forward pass failed
        signal = self._run.signals[self._count_prepared - 1]
        network = self.networks.get(signal.net)
        if signal.skip or network is not None:
            blocks_of(signal, len((network or denoiser).transformer_blocks), None)
            registry = HookRegistry.check_if_exists_or_initialize(denoiser)
            registry.register_hook(_Weakened(network, signal.skip), HOOK)

    def cleanup_models(self, denoiser: nn.Module) -> None:
        """Leave the transformer as it was."""
        if registry := getattr(denoiser, "_diffusers_hook", None):
            registry.remove_hook(HOOK, recurse=False)

    def forward(self, **predictions: Tensor) -> GuiderOutput:
        """The guided velocity, combined in float32, in the precision of the predictions."""
        run, method = self._run, self._run.methods[self._step]
        if method is None:
            guided = predictions[_name(run.signals[0])]
        else:
            v = {signal: predictions[_name(signal)].float() for signal in run.signals}
            guided = method.combine(v, run.x.float(), run.times[self._step], run.state)
            guided = guided.to(next(iter(predictions.values()), run.x).dtype)
        run.x = None
        return GuiderOutput(
            pred=guided,
            pred_cond=predictions.get("pred_cond"),
            pred_uncond=predictions.get("pred_uncond"),
        )

    @property
    def is_conditional(self) -> bool:
        """Whether the prediction under way sees the positive prompt."""
        return not (self._run and self._run.signals[self._count_prepared - 1].null)

    @property
    def num_conditions(self) -> int:
        """How many predictions this step takes."""
        return len(self._run.signals) if self._run else 1


class _Weakened(ModelHook):
    """Has a transformer's forward pass skip blocks, or another network run in its place."""

    def __init__(self, network: nn.Module | None, skip: tuple[int, ...]):
        super().__init__()
        self.network, self.skip = network, skip

    def new_forward(self, module: nn.Module, *args, **kwargs):
        """The transformer skips by itself, and so keeps its two streams in order."""
        forward = self.network or self.fn_ref.original_forward
        return forward(*args, skip_layers=list(self.skip), **kwargs)


def _name(signal: Signal) -> str:
    """Under which a batch and its prediction go by diffusers' convention."""
    parts = ["pred", "uncond" if signal.null else "cond"]
    parts += ["skip", *map(str, signal.skip)] if signal.skip else []
    return "_".join(parts + ([signal.net] if signal.net != "main" else []))
