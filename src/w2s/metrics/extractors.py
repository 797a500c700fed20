"""Feature networks as torch-fidelity extractors, so that one path serves trained and published.

DINOv2 alone is none of them: torch-fidelity's own takes no file, and resizes in another way.

Importing this module imports torch_fidelity (seconds): builders do so where they need it.
"""

from __future__ import annotations

import json
import time
from collections.abc import Callable
from pathlib import Path

import numpy as np
import torch
from safetensors.torch import load_file
from torch_fidelity.feature_extractor_base import FeatureExtractorBase
from torch_fidelity.feature_extractor_inceptionv3 import FeatureExtractorInceptionV3
from torch_fidelity.registry import register_feature_extractor
from torch_fidelity.utils import create_feature_extractor

from w2s.metrics.cnn import FeatureCNN
from w2s.metrics.heads import Heads, read_heads


class TrainedExtractor(FeatureExtractorBase):
    """The trained network: "features" (N, 64), its embedding, and "logits" of all its heads."""

    def __init__(self, name, features_list, feature_extractor_weights_path, **kwargs):
        super().__init__(name, features_list)
        folder = Path(feature_extractor_weights_path)
        config = json.loads((folder / "config.json").read_text(encoding="utf-8"))
        heads = Heads(config["heads"], config["classes"])
        self.net = FeatureCNN(config["width"], heads.sizes)
        self.net.load_state_dict(load_file(folder / "model.safetensors"))

    @staticmethod
    def get_provided_features_list():
        return "features", "logits"

    @staticmethod
    def get_default_feature_layer_for_metric(metric):
        return "logits" if metric == "isc" else "features"

    @staticmethod
    def can_be_compiled():
        return False

    def forward(self, images):
        outputs = dict(zip(("features", "logits"), self.net(images), strict=True))
        return tuple(outputs[name] for name in self.features_list)


class SpatialInception(FeatureExtractorInceptionV3):
    """torch-fidelity's InceptionV3, which also provides "spatial" (N, 2023), what sFID reads.

    These are the first 7 channels of the 17 x 17 map that ADM's evaluation calls mixed_6/conv,
    channels last as there: statistics that ADM published are in that order.  Nash et al., arXiv
    2103.03841.
    """

    @staticmethod
    def get_provided_features_list():
        return (*FeatureExtractorInceptionV3.get_provided_features_list(), "spatial")

    def forward(self, images):
        maps = []
        hook = self.Mixed_6d.branch1x1.register_forward_hook(lambda *call: maps.append(call[-1]))
        wanted, self.features_list = self.features_list, ["2048", "logits_unbiased"]
        try:
            outputs = dict(zip(self.features_list, super().forward(images), strict=True))
        finally:
            self.features_list = wanted
            hook.remove()
        outputs["spatial"] = maps[0][:, :7].permute(0, 2, 3, 1).flatten(1)
        return tuple(outputs[name] for name in wanted)


register_feature_extractor("w2s-trained", TrainedExtractor)
register_feature_extractor("w2s-inception-v3-compat", SpatialInception)

LAYERS = {  # our names of what a network gives -> the extractor's
    "trained": {"features": "features", "logits": "logits"},
    "inception-v3-compat": {
        "features": "2048",
        "logits": "logits_unbiased",
        "spatial": "spatial",
    },
    "dinov2": {"features": "features"},
}


def load_inception(weights: Path) -> FeatureExtractorBase:
    """torch-fidelity's InceptionV3 from a weights file; raises what torch raises for a wrong one.

    The file is read as tensors alone before torch-fidelity unpickles it, so that a foreign file
    cannot run code.
    """
    torch.load(weights, map_location="cpu", weights_only=True)
    return create_feature_extractor(
        "w2s-inception-v3-compat",
        list(LAYERS["inception-v3-compat"].values()),
        cuda=False,
        verbose=False,
        feature_extractor_weights_path=str(weights),
    )


class Network:
    """A published feature network, ready to extract from images.

    `folder` is a node of kind features.  `heads` is None where the network knows none of the
    study's classes.
    """

    def __init__(self, folder: Path, device: torch.device):
        config = json.loads((folder / "config.json").read_text(encoding="utf-8"))
        self.kind, self.device, self.std = config["kind"], device, config["std"]
        self.resolution: int | None = config.get("resolution")
        self.heads = read_heads(config)
        self.prepare: Callable[[np.ndarray], np.ndarray] = np.asarray  # for the extractor
        self.seconds = 0.0
        if self.kind == "trained":
            self.extractor = create_feature_extractor(
                "w2s-trained",
                list(LAYERS["trained"].values()),
                cuda=False,
                verbose=False,
                feature_extractor_weights_path=str(folder),
            )
        elif self.kind == "dinov2":
            from w2s.metrics import dinov2  # takes seconds

            self.extractor, self.prepare = dinov2.Dinov2(folder), dinov2.squeezed
        else:
            self.extractor = load_inception(folder / "weights.pth")
        self.extractor.to(device)

    @torch.inference_mode()
    def extract(self, images: np.ndarray) -> dict[str, np.ndarray]:
        """features (n, d) divided by the network's std, logits (n, k), perhaps spatial: float32.

        Takes uint8 images (n, H, W, 3) as one batch; time spent adds to `seconds`.
        """
        start = time.perf_counter()
        pixels = (
            torch.from_numpy(self.prepare(images)).permute(0, 3, 1, 2).contiguous().to(self.device)
        )
        outputs = [output.float().cpu().numpy() for output in self.extractor(pixels)]
        named = dict(zip(LAYERS[self.kind], outputs, strict=True))
        named["features"] = named["features"] / np.float32(self.std)
        self.seconds += time.perf_counter() - start
        return named

    def extract_all(self, images: np.ndarray, batch: int) -> dict[str, np.ndarray]:
        """The same for any number of images, `batch` at a time."""
        parts = [self.extract(images[i : i + batch]) for i in range(0, len(images), batch)]
        return {name: np.concatenate([part[name] for part in parts]) for name in parts[0]}
