"""The velocity that remembers all training latents, against that of the same mixture."""

import json

import numpy as np
import pytest
import torch

from w2s.data.latents import Latents
from w2s.data.memorised import Memorised
from w2s.plane.mixture import Mixture
from w2s.plane.tree import Components

COUNT, CLASSES = 12, 3


def write(out, std=0.2, views=(), shape=(2, 1, 1), scaling=(0.5, 2.0)):
    """Random latents as a node of kind `latents` holds them."""
    out.mkdir()
    rng = np.random.default_rng(0)
    mean = rng.normal(size=(COUNT, *views, *shape)).astype(np.float32)
    spread = (std * rng.uniform(0.5, 1.5, mean.shape)).astype(np.float32)
    rows = np.arange(COUNT)
    arrays = {"mean": mean, "std": spread, "rows": rows, "labels": rows % CLASSES}
    for name, values in arrays.items():
        np.save(out / f"{name}.npy", values)
    facts = {"classes": CLASSES, "channels": shape[0], "size": shape[1], "count": COUNT}
    facts |= {"shift": scaling[0], "scale": scaling[1]}
    (out / "latents.json").write_text(json.dumps(facts))
    return Latents([out])


def as_mixture(latents):
    """The same Gaussians, each of the class of its image."""
    mean, std = (part.reshape(-1, 2).astype(float) for part in latents.posteriors(range(COUNT)))
    own = np.repeat(latents.labels, len(mean) // COUNT)
    weights = (own == np.arange(CLASSES)[:, None]).astype(float)
    weights /= weights.sum(1, keepdims=True)
    covariances = np.stack([np.diag(row**2) for row in std])
    return Mixture(Components(weights, mean, covariances, np.zeros(len(mean), int)))


@pytest.mark.parametrize("t", [0.0, 0.05, 0.5, 0.95, 1.0])
@pytest.mark.parametrize("views", [(), (2,)])
def test_the_velocity_is_that_of_a_mixture_of_all_posteriors(tmp_path, t, views):
    latents = write(tmp_path / "latents", views=views)
    truth, labels = Memorised(latents), torch.arange(30) % CLASSES
    x = torch.randn(30, 2, generator=torch.Generator().manual_seed(0), dtype=torch.float64)
    expected = as_mixture(latents).velocity(x, t, labels)
    found = truth.velocity(x[..., None, None], t, labels)
    torch.testing.assert_close(found.flatten(1), expected)


def test_without_deviation_it_leads_to_a_training_latent(tmp_path):
    """Near the data the only latent that could have become x."""
    latents = write(tmp_path / "latents", std=0, shape=(3, 4, 4))
    truth, labels = Memorised(latents), np.arange(6) % CLASSES
    x0 = truth.draw(labels, seed=1)
    noise = torch.randn(x0.shape, generator=torch.Generator().manual_seed(0), dtype=torch.float64)
    x = 0.95 * x0 + 0.05 * noise
    v = truth.velocity(x, 0.05, torch.from_numpy(labels))
    torch.testing.assert_close(x - 0.05 * v, x0, atol=1e-5, rtol=0)


def test_latents_are_drawn_of_their_class_by_their_seed(tmp_path):
    latents = write(tmp_path / "latents", std=0)
    truth, labels = Memorised(latents), np.arange(90) % CLASSES
    drawn = truth.draw(labels, seed=5)
    assert torch.equal(drawn, truth.draw(labels, seed=5))
    assert not torch.equal(drawn, truth.draw(labels, seed=6))
    means, _ = latents.posteriors(range(COUNT))
    for label in range(CLASSES):
        own = {tuple(z.ravel()) for z in means[label::CLASSES].astype(float)}
        assert {tuple(z.numpy().ravel()) for z in drawn[label::CLASSES]} == own


def test_posteriors_are_normalised_and_of_both_views(tmp_path):
    latents = write(tmp_path / "latents", views=(2,))
    mean, std = latents.posteriors([4, 1])
    stored = [np.load(tmp_path / "latents" / f"{name}.npy")[[4, 1]] for name in ("mean", "std")]
    np.testing.assert_allclose(mean, (stored[0].reshape(4, 2, 1, 1) - 0.5) * 2, rtol=1e-6)
    np.testing.assert_allclose(std, stored[1].reshape(4, 2, 1, 1) * 2, rtol=1e-6)


def test_a_class_without_images_is_refused(tmp_path):
    truth = Memorised(write(tmp_path / "latents"))
    with pytest.raises(ValueError, match="class 7 has no images"):
        truth.draw(np.array([0, 7]), seed=0)
