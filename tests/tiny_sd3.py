"""Tiny SD3 and SD3.5 pipelines with random weights, in the layout of the released folders."""

from functools import cache
from pathlib import Path

import torch
from diffusers import (
    AutoencoderKL,
    FlowMatchEulerDiscreteScheduler,
    SD3Transformer2DModel,
    StableDiffusion3Pipeline,
)
from tokenizers import Tokenizer, models, pre_tokenizers
from transformers import (
    CLIPTextConfig,
    CLIPTextModelWithProjection,
    CLIPTokenizer,
    T5Config,
    T5EncoderModel,
    T5TokenizerFast,
)

LETTERS = "abcdefghijklmnopqrstuvwxyz"
WORDS = ("small", "large", "red", "blue", "star", "ring", "on", "striped", "navy", "olive")
CLIP_LENGTH = 16  # tokens of a prompt; 77 in the released towers
CLIP_WIDTHS, T5_WIDTH, LATENT, SIDE = (8, 12), 24, 4, 8
CLIPS = {"text_encoder": (1, CLIP_WIDTHS[0]), "text_encoder_2": (2, CLIP_WIDTHS[1])}


def transformer(kind: str = "sd3", layers: int = 4, seed: int = 0) -> SD3Transformer2DModel:
    """`sd3`, or `sd3.5` with a second attention in the first half of its blocks."""
    torch.manual_seed(seed)
    newer = {"dual_attention_layers": tuple(range(layers // 2)), "qk_norm": "rms_norm"}
    net = SD3Transformer2DModel(
        sample_size=SIDE,
        patch_size=2,
        in_channels=LATENT,
        out_channels=LATENT,
        num_layers=layers,
        attention_head_dim=8,
        num_attention_heads=2,
        joint_attention_dim=T5_WIDTH,
        caption_projection_dim=16,
        pooled_projection_dim=sum(CLIP_WIDTHS),
        pos_embed_max_size=12,
        **(newer if kind == "sd3.5" else {}),
    )
    with torch.no_grad():  # as initialised, modulation and readout are too faint to tell apart
        for parameter in net.parameters():
            parameter.normal_(std=0.2)
    return net.eval()


def clip_tokenizer() -> CLIPTokenizer:
    """Every known word is one token; other words of small letters are spelled."""
    merges, pieces = [], [*LETTERS, *(f"{c}</w>" for c in LETTERS)]
    for word in WORDS:
        left = word[0]
        for i, letter in enumerate(word[1:], 1):
            right = letter + ("</w>" if i == len(word) - 1 else "")
            merges.append((left, right))
            left += right
            pieces.append(left)
    vocab = ["<|startoftext|>", "<|endoftext|>", *dict.fromkeys(pieces)]
    return CLIPTokenizer(
        vocab={piece: i for i, piece in enumerate(vocab)},
        merges=list(dict.fromkeys(merges)),
        model_max_length=CLIP_LENGTH,
        pad_token="<|endoftext|>",
        unk_token="<|endoftext|>",
    )


def clip_encoder(seed: int, width: int, words: int) -> CLIPTextModelWithProjection:
    torch.manual_seed(seed)
    config = CLIPTextConfig(
        vocab_size=words,
        hidden_size=width,
        projection_dim=width,
        intermediate_size=2 * width,
        num_hidden_layers=2,
        num_attention_heads=2,
        max_position_embeddings=CLIP_LENGTH,
        bos_token_id=0,
        eos_token_id=1,
        pad_token_id=1,
    )
    return CLIPTextModelWithProjection(config).eval()


def t5_tokenizer() -> T5TokenizerFast:
    pieces = ["<pad>", "</s>", "<unk>", *(f"▁{word}" for word in WORDS), "▁", *LETTERS]
    scores = [(piece, -float(i)) for i, piece in enumerate(pieces)]
    made = Tokenizer(models.Unigram(scores, unk_id=2))
    made.pre_tokenizer = pre_tokenizers.Metaspace()
    return T5TokenizerFast(tokenizer_object=made, extra_ids=0, model_max_length=512)


def t5_encoder(words: int) -> T5EncoderModel:
    torch.manual_seed(3)
    config = T5Config(
        vocab_size=words, d_model=T5_WIDTH, d_kv=8, d_ff=32, num_layers=2, num_heads=2
    )
    return T5EncoderModel(config).eval()


def vae() -> AutoencoderKL:
    torch.manual_seed(4)
    return AutoencoderKL(
        block_out_channels=(8, 8),
        down_block_types=("DownEncoderBlock2D",) * 2,
        up_block_types=("UpDecoderBlock2D",) * 2,
        layers_per_block=1,
        norm_num_groups=4,
        latent_channels=LATENT,
        mid_block_add_attention=False,
        use_quant_conv=False,
        use_post_quant_conv=False,
        scaling_factor=1.5305,
        shift_factor=0.0609,
        sample_size=2 * SIDE,
    ).eval()


@cache
def pipeline(kind: str = "sd3", t5: bool = False) -> StableDiffusion3Pipeline:
    """A whole pipeline; its parts are shared among tests, which must not change them."""
    parts = {}
    for name, (seed, width) in CLIPS.items():
        parts[name.replace("text_encoder", "tokenizer")] = words = clip_tokenizer()
        parts[name] = clip_encoder(seed, width, len(words))
    words = t5_tokenizer() if t5 else None
    return StableDiffusion3Pipeline(
        transformer=transformer(kind),
        scheduler=FlowMatchEulerDiscreteScheduler(shift=3.0),
        vae=vae(),
        tokenizer_3=words,
        text_encoder_3=t5_encoder(len(words)) if t5 else None,
        **parts,
    )


def save(folder: Path, kind: str = "sd3", t5: bool = False) -> Path:
    """A pipeline folder, as `from_pretrained` reads it."""
    pipeline(kind, t5).save_pretrained(folder, safe_serialization=True)
    return folder
