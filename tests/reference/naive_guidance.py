"""Every guidance method as one plain formula on full, separate velocity predictions.

Deliberately naive: dense tensors of float64, one sample at a time where norms are involved, no
sharing, no special cases beyond the formulas'.  A method's formula has the method's name, and its
parameters say what it needs: ``w`` the weight, ``c`` conditional, ``u`` null, ``k`` blocks skipped,
``m`` and ``um`` the mid heads of both, ``s`` the weak network, ``x`` and ``t``; any other parameter
is the method's own argument of that name, ``cfg`` the weight of the CFG around it.  Methods with a
state, draws or a schedule of their own are called by hand.
"""

import math

import torch


def cfg(w, c, u, channels=None):
    guided = u + w * (c - u)
    return guided if channels is None else torch.cat([guided[:, :channels], c[:, channels:]], 1)


def autoguidance(w, c, s):
    return s + w * (c - s)


def skip_layer(w, c, k, u, cfg):
    return c + (cfg - 1) * (c - u) + (w - 1) * (c - k)


def s2(w, g, c, u, ks):
    return u + g * (c - u) - (w - 1) * (torch.stack(ks).mean(0) - c)


def internal(w, c, m, u, um, cfg):
    return um + w * (u - um) + cfg * ((m + w * (c - m)) - (um + w * (u - um)))


def each(formula, *batches):
    return torch.stack([formula(*samples) for samples in zip(*batches, strict=True)])


def x0(v, x, t):
    return x - t * v


def adg(w, c, u, x, t):
    def one(a, b):
        theta = torch.arccos((a * b).sum() / (a.norm() * b.norm()))
        turn = torch.clamp((w - 1) * theta, max=math.pi / 3)
        e = (a - b) - ((a - b) * b).sum() / (b * b).sum() * b
        return torch.cos(turn) * a + torch.sin(turn) / torch.sin(theta) * e

    return (x - each(one, x0(c, x, t), x0(u, x, t))) / t


def apg(w, steps, beta, eta, r):
    """Velocities of a whole window; ``steps`` lists (c, u, x, t)."""
    results, running = [], 0.0
    for c, u, x, t in steps:
        running = x0(c, x, t) - x0(u, x, t) + beta * running

        def one(a, d):
            d = d * min(1.0, r / float(d.norm()))
            parallel = (d * a).sum() / (a * a).sum() * a
            return a + (w - 1) * ((d - parallel) + eta * parallel)

        results.append((x - each(one, x0(c, x, t), running)) / t)
    return results


def cfg_zero_star(w, c, u):
    return each(lambda a, b: cfg(w, a, (a * b).sum() / (b * b).sum() * b), c, u)


def cfg_rescale(w, c, u, rescale):
    def one(a, b):
        guided = cfg(w, a, b)
        return rescale * guided * a.std() / guided.std() + (1 - rescale) * guided

    return each(one, c, u)


def tcfg(w, c, u, x, t):
    def one(a, b):
        first = torch.linalg.svd(torch.stack([a.flatten(), b.flatten()]), full_matrices=False)[2][0]
        return cfg(w, a, (b.flatten() @ first * first).reshape(b.shape))

    return (each(one, x + (1 - t) * c, x + (1 - t) * u) - x) / (1 - t)


def mambo_g(w, c, u, alpha):
    return each(
        lambda a, b: cfg(1 + (w - 1) * torch.exp(-alpha * (a - b).norm() / b.norm()), a, b), c, u
    )


def tv_cfg(w, times):
    """Weights of all steps, shape symmetric, by the published scheduler's two slopes."""
    n = len(times) - 1
    if n % 2:
        up = torch.linspace(1, 2 * w - 1, n // 2 + 1, dtype=torch.float64)
        raw = torch.cat([up, up.flip(0)[1:]])
    else:
        up = torch.linspace(1, 2 * w - 1, n // 2 + 1, dtype=torch.float64)[:-1]
        raw = torch.cat([up, torch.linspace(2 * w - 1, 1, n // 2, dtype=torch.float64)])
    lengths = -torch.tensor(times, dtype=torch.float64).diff()
    return (raw * w / (raw * lengths).sum()).tolist()
