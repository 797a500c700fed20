"""Probes against formulas, against a plain implementation of them, and on what they keep."""

import json
from itertools import pairwise

import numpy as np
import pytest
import torch
from safetensors.torch import load_file, save_file
from torch.nn.functional import cosine_similarity

from w2s.errors import UserError
from w2s.files import write_json
from w2s.guidance.methods.autoguidance import AutoGuidance
from w2s.guidance.methods.cfg import CFG
from w2s.guidance.windows import resolve
from w2s.job import Job
from w2s.metrics.probe import FOLLOWED, VELOCITY, build
from w2s.metrics.truths import APART
from w2s.models.load import build as build_network
from w2s.plane import points
from w2s.plane.errors import Errors
from w2s.plane.exact import ExactNetwork
from w2s.plane.mixture import Mixture
from w2s.plane.stages import STAGES
from w2s.plane.tree import WORLDS, balanced
from w2s.sampling.noise import initial_noise
from w2s.sampling.trajectories import encode

FEW = WORLDS["few"]
TIMES = (1.0, 0.75, 0.4, 0.1, 0.0)
MLP = {"kind": "mlp", "hidden": 8, "depth": 1, "head_at": None}
MAIN, WEAK = Errors(blur=0.1, smooth=0.03), Errors(blur=0.1, smooth=0.06)
GUIDANCE = {
    "none": None,
    "cfg": CFG(weight=2.0),
    "ag": AutoGuidance(weight=3.0, weak="w"),
}


@pytest.fixture
def folder(tmp_path):
    """Makes a new folder under a name."""

    def make(name):
        (tmp_path / name).mkdir()
        return tmp_path / name

    return make


@pytest.fixture
def world(folder):
    out = folder("points")
    spec = {"world": FEW.model_dump(), "count": 8, "seed": 99}
    points.build(Job("points", "0", spec, out))
    return out


@pytest.fixture
def network(folder):
    """Folders of networks, as nodes of weights hold them."""

    def write(name, net):
        out = folder(name)
        write_json(out / "config.json", net.config())
        save_file(net.state_dict(), out / "model.safetensors")
        return out

    return write


@pytest.fixture
def probed(folder, world, network):
    """probe.json of exact networks, and the folder that it lies in."""

    def run(main=MAIN, weak=WEAK, guidance=GUIDANCE, name="probe", **changed):
        times = changed.get("times", TIMES)
        spec = {
            "guidance": {k: encode([method] * (len(times) - 1)) for k, method in guidance.items()},
            "solver": "heun",
            "times": list(times),
            "seeds": [3, 8],
            "per_seed": 40,
            "measures": ["velocity"],
        }
        parents = {"points": [world], "model": [network(f"{name}-main", ExactNetwork(FEW, main))]}
        parents["weak:w"] = [network(f"{name}-weak", ExactNetwork(FEW, weak))]
        out = folder(name)
        build(Job("probe", "0", spec | changed, out, parents))
        return json.loads((out / "probe.json").read_text()), out

    return run


def plain_weight(true, strong, weak):
    """The weight of least mean square, by a solver of least squares."""
    a, b = (strong - weak).reshape(-1, 1), (true - weak).reshape(-1, 1)
    return float(torch.linalg.lstsq(a, b).solution)


def plain_figures(true, strong, weak, guided):
    angle = cosine_similarity((strong - weak).flatten(), (true - strong).flatten(), dim=0)
    distance = torch.tensor([float((g - v).norm()) for g, v in zip(guided, true, strict=True)])
    return float((distance**2).mean() ** 0.5), plain_weight(true, strong, weak), float(angle)


def test_figures_are_those_of_a_plain_implementation(probed):
    """Written out point by point for CFG and AutoGuidance, Heun's steps included."""
    found, _ = probed()
    truth, labels = FEW.grow(), torch.from_numpy(balanced(40, 4))
    mains, weaks = (Mixture(errors.applied(truth)) for errors in (MAIN, WEAK))
    for place, seed in enumerate((3, 8)):
        noise = initial_noise([(seed, i) for i in range(40)], (2,)).double()
        data = torch.from_numpy(truth.draw(labels.numpy(), APART + seed))

        def signals(x, t, name):
            null = mains.velocity(x, t) if name == "cfg" else weaks.velocity(x, t, labels)
            return mains.velocity(x, t, labels), null

        def guided(x, t, name, w):
            strong, weak = signals(x, t, name)
            return w * strong + (1 - w) * weak

        for name, w in (("cfg", 2.0), ("ag", 3.0)):
            x = noise
            for step, (t, s) in enumerate(pairwise(TIMES)):
                for way, at in (("marginal", (1 - t) * data + t * noise), ("own", x)):
                    true = Mixture(truth).velocity(at, t, labels)
                    expected = plain_figures(true, *signals(at, t, name), guided(at, t, name, w))
                    made = [found[way][name][figure][place][step] for figure in VELOCITY]
                    if name == "ag" and t == 1:  # strong and weak are the same there
                        assert made[1:] == [None, None]
                        made, expected = made[:1], expected[:1]
                    assert made == pytest.approx(expected, rel=1e-3, abs=1e-5)
                v = guided(x, t, name, w)
                ahead = x + (s - t) * v
                x = ahead if s == 0 else x + (s - t) / 2 * (v + guided(ahead, s, name, w))


@pytest.mark.parametrize(
    ("main", "weak", "t", "name", "expected"),
    [
        (Errors(blur=0.1), WEAK, 1.0, "cfg", 1 / 0.9),
        (Errors(smooth=0.03), Errors(smooth=0.06), 0.999, "ag", 0.06**2 / (0.06**2 - 0.03**2)),
        (Errors(blur=0.1), Errors(blur=0.3), 1.0, "ag", 0.3 / 0.2),
    ],
)
def test_weights_that_undo_an_error_are_those_of_algebra(probed, main, weak, t, name, expected):
    times = (1.0, 0.999, 0.5, 0.0)
    found, _ = probed(main, weak, times=times, per_seed=400, seeds=[0])
    best = found["marginal"][name]["best_weight"][0][times.index(t)]
    assert best == pytest.approx(expected, rel=1e-2)


def test_of_an_error_in_label_and_detail_cfg_points_at_the_one_and_autoguidance_at_the_other(
    probed,
):
    found, _ = probed(times=(1.0, 0.95, 0.05, 0.0), per_seed=2000, seeds=[0])
    cosines = {name: found["marginal"][name]["cosine"][0][1:3] for name in ("cfg", "ag")}
    assert cosines["cfg"] == pytest.approx([1.0, 0.39], abs=0.1)
    assert cosines["ag"] == pytest.approx([0.05, 0.94], abs=0.1)


def test_where_there_is_no_error_there_is_nothing_to_point_at(probed):
    found, _ = probed(main=Errors(), weak=WEAK)
    for way in ("marginal", "own"):
        assert np.max(found[way]["none"]["distance"]) < 1e-6
        for name in ("cfg", "ag"):
            weights = [w for seed in found[way][name]["best_weight"] for w in seed]
            assert [w for w in weights if w is not None] == pytest.approx(
                [1] * (len(weights) - weights.count(None)), abs=1e-3
            )
            assert {c for seed in found[way][name]["cosine"] for c in seed} == {None}
        assert {w for seed in found[way]["none"]["best_weight"] for w in seed} == {None}


def test_the_same_probe_has_the_same_bytes_and_seeds_do_not_meddle(probed):
    both, first = probed(name="first", measures=["stages", "velocity"])
    _, again = probed(name="again", measures=["stages", "velocity"])
    for file in ("probe.json", "paths.safetensors"):
        assert (first / file).read_bytes() == (again / file).read_bytes()
    alone, _ = probed(name="alone", seeds=[8], measures=["stages", "velocity"])
    for way in ("marginal", "own"):
        for name, figures in alone[way].items():
            for figure, ((*values,),) in figures.items():
                expected = both[way][name][figure][1]
                assert [v is None for v in values] == [v is None for v in expected]
                kept = [i for i, v in enumerate(values) if v is not None]
                assert np.array(values)[kept].astype(float) == pytest.approx(
                    np.array(expected)[kept].astype(float), rel=1e-6, abs=1e-9
                )


def test_networks_of_each_seed_are_its_own(folder, world, network, probed):
    """Weights of two training runs: each seed is that of the run alone."""
    nets = [Errors(blur=0.1), Errors(blur=0.4)]
    folders = [network(f"net{i}", ExactNetwork(FEW, net)) for i, net in enumerate(nets)]
    spec = {"guidance": {"cfg": encode([CFG(weight=2.0)] * 4)}, "solver": "heun"}
    spec |= {"times": list(TIMES), "seeds": [3, 8], "per_seed": 40, "measures": ["velocity"]}
    out = folder("both")
    build(Job("probe", "0", spec, out, {"points": [world], "model": folders}))
    both = json.loads((out / "probe.json").read_text())["marginal"]["cfg"]["distance"]
    for i, net in enumerate(nets):
        alone, _ = probed(net, guidance={"cfg": CFG(weight=2.0)}, name=f"alone{i}")
        assert both[i] == alone["marginal"]["cfg"]["distance"][i]
        assert both[1 - i] != alone["marginal"]["cfg"]["distance"][1 - i]


def test_forwards_are_those_of_the_own_paths_and_of_the_marginal_one(folder, world, network):
    """Heun's method evaluates 7 times in 4 steps; no guidance asks for one signal, others for two.

    Without velocities nothing is evaluated on the marginal path, otherwise all three signals are.
    """
    nets = [network(name, ExactNetwork(FEW, e)) for name, e in (("m", MAIN), ("w", WEAK))]
    parents = {"points": [world], "model": nets[:1], "weak:w": nets[1:]}
    spec = {"guidance": {k: encode([method] * 4) for k, method in GUIDANCE.items()}}
    spec |= {"solver": "heun", "times": list(TIMES), "seeds": [3, 8], "per_seed": 40}
    for measures, marginal in (([], 0), (["velocity"], 4 * 3)):
        job = Job("probe", "0", spec | {"measures": measures}, folder(f"o{marginal}"), parents)
        assert build(job) == {"forwards": 7 * (1 + 2 + 2) + marginal}


def test_what_pictures_show_is_kept_of_the_first_seed(probed):
    found, out = probed(measures=["stages"])
    assert found["marginal"] == {}
    for figures in found["own"].values():
        assert figures.keys() == STAGES.keys()
        assert {len(seed) for values in figures.values() for seed in values} == {len(TIMES)}
    kept = load_file(out / "paths.safetensors")
    assert kept["labels"].tolist() == balanced(40, 4).tolist()
    for name in GUIDANCE:
        ways, ends = kept[f"paths/{name}"], kept[f"points/{name}"]
        assert ways.shape == (len(TIMES), FOLLOWED, 2)
        assert torch.equal(ways[-1], ends[:FOLLOWED])
        assert torch.equal(ways[0], kept["paths/none"][0])  # the noise they all begin with
    assert not torch.equal(kept["points/cfg"], kept["points/none"])
    own_class = FEW.grow().draw(balanced(40, 4), APART + 3)
    assert np.allclose(kept["true"].numpy(), own_class, atol=1e-6)


def test_a_guidance_in_windows_has_the_direction_of_each(probed, world, folder, network):
    """In a step without guidance there is none."""
    windows = CFG(weight=2.0), None, AutoGuidance(weight=3.0, weak="w"), None
    found, _ = probed(guidance={"cfg": CFG(weight=2.0)}, name="cfg")
    main = network("m", ExactNetwork(FEW, MAIN))
    weak = network("w", ExactNetwork(FEW, WEAK))
    spec = {"guidance": {"some": encode(windows)}, "solver": "heun", "times": list(TIMES)}
    spec |= {"seeds": [3, 8], "per_seed": 40, "measures": ["velocity"]}
    out = folder("some")
    job = Job("probe", "0", spec, out, {"points": [world], "model": [main], "weak:w": [weak]})
    build(job)
    some = json.loads((out / "probe.json").read_text())["marginal"]["some"]
    for seed in range(2):
        first, second, third, last = some["best_weight"][seed]
        assert first == found["marginal"]["cfg"]["best_weight"][seed][0]
        assert (second, last) == (None, None)
        assert third is not None


def test_points_that_do_not_stay_finite_are_refused(folder, world, network):
    net = build_network(MLP | {"classes": 4})
    net.outside.bias.data.fill_(torch.inf)
    spec = {"guidance": {"wild": encode([CFG(weight=2.0)] * 4)}, "solver": "heun"}
    spec |= {"times": list(TIMES), "seeds": [0], "per_seed": 8, "measures": []}
    job = Job("probe", "0", spec, folder("out"), {"points": [world], "model": [network("m", net)]})
    with pytest.raises(UserError, match="points guided by 'wild' are not finite: lower its weight"):
        build(job)


def test_training_latents_are_a_truth_too(folder, network):
    """Of a network on latents: no stages and no picture of points."""
    torch.manual_seed(0)
    net = network("mlp", build_network(MLP | {"classes": 2}))
    out, rng = folder("latents"), np.random.default_rng(0)
    arrays = {"mean": rng.normal(size=(10, 2, 1, 1)).astype(np.float32), "rows": np.arange(10)}
    arrays |= {"std": np.full((10, 2, 1, 1), 0.1, np.float32), "labels": np.arange(10) % 2}
    for name, values in arrays.items():
        np.save(out / f"{name}.npy", values)
    facts = {"classes": 2, "channels": 2, "size": 1, "shift": 0.0, "scale": 1.0}
    write_json(out / "latents.json", facts)
    spec = {"guidance": {"cfg": encode(resolve([], TIMES))}, "solver": "euler"}
    spec |= {"times": list(TIMES), "seeds": [0], "per_seed": 6, "measures": ["velocity"]}
    made = folder("made")
    build(Job("probe", "0", spec, made, {"latents": [out], "model": [net]}))
    assert [path.name for path in made.iterdir()] == ["probe.json"]
    distances = json.loads((made / "probe.json").read_text())["marginal"]["cfg"]["distance"]
    assert np.isfinite(distances).all()
