"""ImageReward (arXiv 2304.05977; THUDM/ImageReward), on transformers' BLIP.

The published package pins libraries that are years old.  Its network is BLIP's image tower and a
BERT that attends to it, both of which transformers has, and a linear head.
"""

from __future__ import annotations

import json
import re
from collections.abc import Mapping, Sequence
from pathlib import Path

import numpy as np
import torch
from torch import Tensor
from transformers import AutoTokenizer, BlipTextConfig, BlipVisionConfig
from transformers.models.blip.modeling_blip import BlipVisionModel
from transformers.models.blip.modeling_blip_text import BlipTextModel

from w2s.errors import UserError
from w2s.metrics.prompted.aesthetic import Predictor
from w2s.metrics.prompted.pictures import cropped
from w2s.metrics.prompted.weights import put, read_weights

MEAN, STD = 0.16717362830052426, 1.0333394966054072  # of raw rewards, as released
TOKENS = 35  # of a prompt
VISION = {  # BLIP with the large image tower
    "image_size": 224,
    "patch_size": 16,
    "hidden_size": 1024,
    "intermediate_size": 4096,
    "num_hidden_layers": 24,
    "num_attention_heads": 16,
    "layer_norm_eps": 1e-6,
}
TEXT = {
    "vocab_size": 30524,
    "hidden_size": 768,
    "intermediate_size": 3072,
    "num_hidden_layers": 12,
    "num_attention_heads": 12,
}
RENAMED = (  # the released names of the image tower, and transformers'
    (r"^cls_token$", "embeddings.class_embedding"),
    (r"^pos_embed$", "embeddings.position_embedding"),
    (r"^patch_embed\.proj\.", "embeddings.patch_embedding."),
    (r"^norm\.", "post_layernorm."),
    (r"^blocks\.", "encoder.layers."),
    (r"\.attn\.proj\.", ".self_attn.projection."),
    (r"\.attn\.", ".self_attn."),
    (r"\.norm([12])\.", r".layer_norm\1."),
)
UNUSED = ("blip.vision_proj.", "blip.text_proj.", "blip.text_encoder.embeddings.position_ids")


class ImageReward:
    """How much people prefer an image for its prompt, near mean 0 and deviation 1."""

    def __init__(
        self,
        path: Path,
        tokenizer: Path,
        architecture: Path | None = None,
        device: str | torch.device = "cpu",
    ):
        """path: ImageReward.pt; tokenizer: a folder with bert-base-uncased's tokenizer.

        architecture: a JSON file with entries `vision` and `text` in transformers' terms; None is
        the released network.  Raises UserError where something is missing or does not fit.
        """
        vision, text = _architecture(architecture)
        weights = {n: v for n, v in read_weights(path).items() if not n.startswith(UNUSED)}
        images = BlipVisionModel(BlipVisionConfig(**vision))
        words = BlipTextModel(
            BlipTextConfig(encoder_hidden_size=vision["hidden_size"], **text),
            add_pooling_layer=False,
        )
        what = "an ImageReward network"
        self.images = put(_tower(weights), images, path, what).to(device)
        self.words = put(_below(weights, "blip.text_encoder."), words, path, what).to(device)
        head = Predictor(text["hidden_size"])
        self.head = put(_below(weights, "mlp."), head, path, what).to(device)
        try:
            self.tokenizer = AutoTokenizer.from_pretrained(tokenizer, local_files_only=True)
        except (OSError, ValueError) as error:
            first = str(error).splitlines()[0]
            raise UserError(f"{tokenizer} holds no tokenizer to load: {first}") from None
        self.side, self.device = vision["image_size"], device

    @torch.no_grad()
    def __call__(self, images: np.ndarray, texts: Sequence[str]) -> np.ndarray:
        """Scores float32 (N,) of images uint8 (N, H, W, 3) for their prompts."""
        pixels = cropped(images, self.side).to(self.device)
        seen = self.images(pixel_values=pixels).last_hidden_state
        tokens = self.tokenizer(
            list(texts),
            padding="max_length",
            truncation=True,
            max_length=TOKENS,
            return_tensors="pt",
        ).to(self.device)
        read = self.words(
            input_ids=tokens.input_ids,
            attention_mask=tokens.attention_mask,
            encoder_hidden_states=seen,
            is_decoder=False,
        ).last_hidden_state
        return ((self.head(read[:, 0]) - MEAN) / STD).cpu().numpy()


def _architecture(path: Path | None) -> tuple[dict, dict]:
    if path is None:
        return VISION, TEXT
    try:
        given = json.loads(path.read_text(encoding="utf-8"))
        return VISION | given["vision"], TEXT | given["text"]
    except (OSError, ValueError, KeyError, TypeError) as error:
        raise UserError(
            f"{path} cannot be read as an architecture, keys vision and text: {error!r}"
        ) from None


def _below(weights: Mapping[str, Tensor], prefix: str) -> dict[str, Tensor]:
    return {n.removeprefix(prefix): v for n, v in weights.items() if n.startswith(prefix)}


def _tower(weights: Mapping[str, Tensor]) -> dict[str, Tensor]:
    """The image tower's weights under transformers' names."""
    found = {}
    for name, value in _below(weights, "blip.visual_encoder.").items():
        for old, new in RENAMED:
            name = re.sub(old, new, name)
        found[name] = value
    return found
