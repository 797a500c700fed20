"""Time grids: N + 1 times, falling from 1 (noise) to 0 (data)."""

from __future__ import annotations


def time_grid(steps: int, shift: float = 1.0, last: float | None = None) -> tuple[float, ...]:
    """Times of `steps` solver steps, from exactly 1 down to exactly 0.

    Without `last` the times are evenly spaced.  With it, as many as there are steps run evenly
    from 1 down to `last` and the final step goes from there to 0: SDE samplers use
    ``last=0.04`` (arXiv 2401.08740, app. D), SD3's scheduler the lowest of its training times.
    A shift s moves t to ``s t / (1 + (s - 1) t)``, spending more steps on noise for s > 1
    (SD3, arXiv 2403.03206, sec. 5.3.2).
    """
    if last is None or steps == 1:
        times = [(steps - i) / steps for i in range(steps)]  # exact at 1/2, 3/4, ...
    else:
        times = [1 + (last - 1) * i / (steps - 1) for i in range(steps)]
    # The shift leaves 1 where it is, but its rounding may not: windows begin at exactly 1.
    return (1.0, *(shift * t / (1 + (shift - 1) * t) for t in times[1:]), 0.0)
