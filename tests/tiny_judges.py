"""Networks that judge images, tiny and random, in the files of the released ones."""

import json
import re

import torch
from open_clip.model import CLIP
from tiny_sd3 import clip_tokenizer
from tokenizers import Tokenizer, models, normalizers, pre_tokenizers, processors
from transformers import (
    BertTokenizerFast,
    BlipTextConfig,
    BlipVisionConfig,
    CLIPConfig,
    CLIPModel,
)
from transformers.models.blip.modeling_blip import BlipVisionModel
from transformers.models.blip.modeling_blip_text import BlipTextModel

from w2s.metrics.prompted.aesthetic import Predictor
from w2s.metrics.prompted.image_reward import VISION

LAYERS, HEADS, WIDTH = 2, 2, 16
OPEN_CLIP = {
    "embed_dim": 12,
    "vision_cfg": {
        "image_size": 28,
        "layers": LAYERS,
        "width": WIDTH,
        "head_width": WIDTH // HEADS,
        "patch_size": 14,
    },
    "text_cfg": {
        "context_length": 77,
        "vocab_size": 49408,
        "width": WIDTH,
        "heads": HEADS,
        "layers": LAYERS,
    },
}
BLIP = {
    "vision": {
        "image_size": 32,
        "hidden_size": WIDTH,
        "intermediate_size": 2 * WIDTH,
        "num_hidden_layers": LAYERS,
        "num_attention_heads": HEADS,
    },
    "text": {
        "vocab_size": 40,
        "hidden_size": WIDTH,
        "intermediate_size": 2 * WIDTH,
        "num_hidden_layers": LAYERS,
        "num_attention_heads": HEADS,
    },
}


def shaken(network, seed=0, std=0.3):
    """Random weights everywhere, so that no part of the network is silent."""
    torch.manual_seed(seed)
    with torch.no_grad():
        for parameter in network.parameters():
            parameter.normal_(std=std)
    return network.eval()


def hps(folder):
    """A weights file as HPSv2's and its architecture; returns both paths and the weights."""
    network = shaken(CLIP(**OPEN_CLIP))
    path, architecture = folder / "HPS.pt", folder / "tiny.json"
    torch.save({"epoch": 1, "name": "tiny", "state_dict": network.state_dict()}, path)
    architecture.write_text(json.dumps(OPEN_CLIP))
    return path, architecture, network.state_dict()


def clip(folder):
    """A CLIP folder as transformers saves it."""
    words = clip_tokenizer()
    tower = {
        "hidden_size": WIDTH,
        "intermediate_size": 2 * WIDTH,
        "num_hidden_layers": LAYERS,
        "num_attention_heads": HEADS,
    }
    text = {"vocab_size": len(words), "max_position_embeddings": words.model_max_length}
    ends = {"bos_token_id": 0, "eos_token_id": 1, "pad_token_id": 1}
    config = CLIPConfig(
        text_config=tower | text | ends,
        vision_config=tower | {"image_size": 32, "patch_size": 8},
        projection_dim=12,
    )
    network = shaken(CLIPModel(config), 3)  # on this seed cosines have both signs
    network.save_pretrained(folder)
    words.save_pretrained(folder)
    return network.state_dict()


def head(path, width=12):
    """An aesthetic head's file."""
    network = shaken(Predictor(width), std=0.3)
    torch.save(network.state_dict(), path)
    return network.state_dict()


def dinov2(path, width=64, depth=LAYERS):
    """A file as DINOv2's authors publish it: names and shapes of their code, random weights."""
    square, tall, wide = (width, width), (4 * width, width), (width, 4 * width)
    block = {
        "norm1": (width,), "attn.qkv": (3 * width, width), "attn.proj": square,
        "norm2": (width,), "mlp.fc1": tall, "mlp.fc2": wide,
    }  # fmt: skip
    layers = {f"blocks.{i}.{name}": shape for i in range(depth) for name, shape in block.items()}
    layers |= {"patch_embed.proj": (width, 3, 14, 14), "norm": (width,)}
    shapes = {f"{name}.weight": shape for name, shape in layers.items()}
    shapes |= {f"{name}.bias": shape[:1] for name, shape in layers.items()}
    shapes |= {f"blocks.{i}.ls{n}.gamma": (width,) for i in range(depth) for n in (1, 2)}
    shapes |= {"cls_token": (1, 1, width), "pos_embed": (1, 1 + 37 * 37, width)}
    shapes |= {"mask_token": (1, width)}
    torch.manual_seed(0)
    weights = {name: 0.3 * torch.randn(shape) for name, shape in shapes.items()}
    torch.save(weights, path)
    return weights


def bert_tokenizer(folder):
    letters = [chr(c) for c in range(ord("a"), ord("z") + 1)]
    pieces = ["[PAD]", "[UNK]", "[CLS]", "[SEP]", "[MASK]", "red", "star", *letters]
    vocab = {piece: i for i, piece in enumerate(pieces)}
    made = Tokenizer(models.WordPiece(vocab, unk_token="[UNK]"))
    made.normalizer, made.pre_tokenizer = normalizers.BertNormalizer(), pre_tokenizers.Whitespace()
    made.post_processor = processors.TemplateProcessing(
        single="[CLS] $A [SEP]", special_tokens=[("[CLS]", 2), ("[SEP]", 3)]
    )
    BertTokenizerFast(tokenizer_object=made).save_pretrained(folder)


RELEASED = (  # transformers' names of the image tower, and those of the released file
    (r"embeddings\.class_embedding", "cls_token"),
    (r"embeddings\.position_embedding", "pos_embed"),
    (r"embeddings\.patch_embedding", "patch_embed.proj"),
    (r"post_layernorm", "norm"),
    (r"encoder\.layers", "blocks"),
    (r"self_attn\.projection", "attn.proj"),
    (r"self_attn", "attn"),
    (r"layer_norm", "norm"),
)


def image_reward(folder):
    """ImageReward.pt, tokenizer and architecture; returns the weights as released names them."""
    images = shaken(
        BlipVisionModel(BlipVisionConfig(**(VISION | BLIP["vision"] | {"patch_size": 16})))
    )
    text = BlipTextConfig(encoder_hidden_size=WIDTH, **BLIP["text"])
    words = shaken(BlipTextModel(text, add_pooling_layer=False), 1)
    weights = {}
    for name, value in images.state_dict().items():
        for theirs, released in RELEASED:
            name = re.sub(theirs, released, name)
        weights[f"blip.visual_encoder.{name}"] = value
    weights |= {f"blip.text_encoder.{n}": v for n, v in words.state_dict().items()}
    weights |= {f"mlp.{n}": v for n, v in shaken(Predictor(WIDTH), 2, 0.1).state_dict().items()}
    extra = {
        "blip.vision_proj.weight": torch.zeros(4, WIDTH),
        "blip.text_encoder.embeddings.position_ids": torch.arange(512)[None],
    }
    torch.save(weights | extra, folder / "ImageReward.pt")
    (folder / "tiny-blip.json").write_text(json.dumps(BLIP))
    bert_tokenizer(folder / "bert")
    return weights
