"""Pipeline folders: what a good one says, and one sentence for each way of being bad."""

import inspect
import json
import shutil

import pytest
import torch
from diffusers import SD3Transformer2DModel, StableDiffusion3Pipeline
from safetensors.torch import load_file, save_file
from tiny_sd3 import CLIP_LENGTH, LATENT, pipeline

from w2s.errors import UserError
from w2s.models.registry import shape_of
from w2s.models.sd3_network import SD3
from w2s.pipelines.folder import DEFAULTS, read_folder

TRANSFORMER = "transformer/diffusion_pytorch_model.safetensors"
INDEX = "model_index.json"


@pytest.fixture
def good(saved, tmp_path):
    """A copy to spoil, with a T5."""
    return shutil.copytree(saved("sd3.5", t5=True), tmp_path / "model")


@pytest.mark.parametrize("kind", ["sd3", "sd3.5"])
@pytest.mark.parametrize("t5", [False, True])
def test_a_folder_says_what_the_pipeline_is(saved, kind, t5):
    folder, pipe = read_folder(saved(kind, t5)), pipeline(kind, t5)
    assert folder.t5 is t5
    assert (folder.clip_tokens, folder.max_sequence_length) == (CLIP_LENGTH, 256)
    assert folder.transformer == SD3(pipe.transformer).config()
    assert shape_of(folder.transformer).depth == pipe.transformer.config.num_layers
    assert folder.scheduler["shift"] == pipe.scheduler.config.shift
    assert folder.vae["scaling_factor"] == pipe.vae.config.scaling_factor
    assert folder.pixels_per_latent == pipe.vae_scale_factor
    names = pipe.transformer.state_dict()
    assert folder.weights["transformer"].tensors == {n: tuple(v.shape) for n, v in names.items()}


def test_what_a_configuration_leaves_out_is_as_in_the_class():
    arguments = inspect.signature(SD3Transformer2DModel.__init__).parameters.values()
    assert {p.name: p.default for p in arguments if p.name != "self"} == dict(DEFAULTS)


def test_older_configurations_lack_what_came_with_sd35(saved, tmp_path):
    folder = shutil.copytree(saved("sd3"), tmp_path / "model")
    edit(folder / "transformer/config.json", dual_attention_layers=..., qk_norm=...)
    assert read_folder(folder).transformer == read_folder(saved("sd3")).transformer


def test_a_model_says_how_long_its_text_is(good):
    edit(good / "transformer/config.json", text_tokens=CLIP_LENGTH + 8)
    folder = read_folder(good)
    assert folder.max_sequence_length == 8
    assert shape_of(folder.transformer).tokens == 16 + CLIP_LENGTH + 8


@pytest.mark.parametrize("variant", [None, "fp16"])
def test_shards_and_variants_are_found_as_diffusers_names_them(good, tmp_path, variant):
    place = tmp_path / "other"
    pipe = StableDiffusion3Pipeline.from_pretrained(good, local_files_only=True)
    pipe.save_pretrained(place, variant=variant, max_shard_size="100KB")
    folder = read_folder(place)
    assert len(list((place / "transformer").glob("*.safetensors"))) > 1
    assert {files.variant for files in folder.weights.values()} == {variant}
    whole = read_folder(good).weights
    assert folder.weights["transformer"].tensors == whole["transformer"].tensors


def test_the_usual_weights_come_before_their_variant(good):
    shutil.copy(good / TRANSFORMER, (good / TRANSFORMER).with_suffix(".fp16.safetensors"))
    assert read_folder(good).weights["transformer"].variant is None


def test_without_t5_a_folder_says_so_by_null_or_nothing(good):
    for name in ("text_encoder_3", "tokenizer_3"):
        shutil.rmtree(good / name)
    with pytest.raises(UserError, match=r"no .*text_encoder_3, which .* \[null, null\] there"):
        read_folder(good)
    for said in ([None, None], None, ...):
        edit(good / INDEX, text_encoder_3=said, tokenizer_3=said)
        assert not read_folder(good).t5


def edit(path, **changes):
    """Set keys of a JSON file; `...` takes one away."""
    content = json.loads(path.read_text()) | changes
    path.write_text(json.dumps({k: v for k, v in content.items() if v is not ...}))


def cut(path, to):
    path.write_bytes(path.read_bytes()[:to])


def pickled(folder, name):
    (place,) = (folder / name).glob("*.safetensors")
    torch.save(load_file(place), place.with_name("pytorch_model.bin"))
    place.unlink()


def sharded(folder):
    """The transformer in two shards of the same tensors as before."""
    whole, place = load_file(folder / TRANSFORMER), folder / "transformer"
    names = sorted(whole)
    parts = {"a.safetensors": names[::2], "b.safetensors": names[1::2]}
    for file, part in parts.items():
        save_file({name: whole[name] for name in part}, place / file)
    index = {"weight_map": {name: file for file, part in parts.items() for name in part}}
    (folder / TRANSFORMER).unlink()
    (place / "diffusion_pytorch_model.safetensors.index.json").write_text(json.dumps(index))
    return place


def fewer_blocks(folder):
    whole = load_file(folder / TRANSFORMER)
    kept = {name: value for name, value in whole.items() if "transformer_blocks.3." not in name}
    save_file(kept, folder / TRANSFORMER)


def lost_shard(folder):
    (sharded(folder) / "b.safetensors").unlink()


def lost_tensor(folder):
    place = sharded(folder)
    save_file(dict(list(load_file(place / "b.safetensors").items())[1:]), place / "b.safetensors")


def no_weight_map(folder):
    edit(sharded(folder) / "diffusion_pytorch_model.safetensors.index.json", weight_map=...)


BAD = {
    "nothing there": (shutil.rmtree, "does not exist: a folder of StableDiffusion3Pipeline has"),
    "no index": (lambda f: (f / INDEX).unlink(), "no .*model_index.json: a folder of"),
    "a modular pipeline": (
        lambda f: (f / INDEX).rename(f / "modular_model_index.json"),
        "modular_model_index.json is another's",
    ),
    "index of text": (lambda f: (f / INDEX).write_text("SD3"), "cannot be read as JSON"),
    "index of a list": (lambda f: (f / INDEX).write_text("[]"), "keys and values, not list"),
    "index not UTF-8": (lambda f: (f / INDEX).write_bytes(b'{"\xff": 1}'), "cannot be read"),
    "foreign pipeline": (
        lambda f: edit(f / INDEX, _class_name="FluxPipeline"),
        "model_index.json is of FluxPipeline, not of StableDiffusion3Pipeline",
    ),
    "no class": (lambda f: edit(f / INDEX, _class_name=...), "is of None, not of Stable"),
    "foreign transformer": (
        lambda f: edit(f / INDEX, transformer=["diffusers", "FluxTransformer2DModel"]),
        r"transformer is \['diffusers', 'FluxTransformer2DModel'\], but it must be",
    ),
    "no transformer": (lambda f: edit(f / INDEX, transformer=[None, None]), "must be"),
    "foreign VAE": (lambda f: edit(f / INDEX, vae=["diffusers", "VQModel"]), "vae is"),
    "half a T5": (lambda f: edit(f / INDEX, tokenizer_3=[None, None]), "names text_encoder_3 alo"),
    "no T5 weights": (lambda f: shutil.rmtree(f / "text_encoder_3"), "no .*text_encoder_3, which"),
    "no T5 tokenizer": (lambda f: shutil.rmtree(f / "tokenizer_3"), "no .*tokenizer_3, which"),
    "no folder": (lambda f: shutil.rmtree(f / "vae"), "no .*vae/config.json: a folder of"),
    "no configuration": (lambda f: (f / "transformer/config.json").unlink(), "no .*config.json"),
    "no weights": (lambda f: (f / TRANSFORMER).unlink(), "nor its fp16 variant"),
    "another variant": (
        lambda f: (f / TRANSFORMER).rename((f / TRANSFORMER).with_suffix(".bf16.safetensors")),
        "nor its fp16 variant",
    ),
    "pickles": (lambda f: pickled(f, "text_encoder"), "pytorch_model.bin .* only safetensors"),
    "empty weights": (lambda f: cut(f / TRANSFORMER, 0), "header cannot be read"),
    "a header cut off": (lambda f: cut(f / TRANSFORMER, 100), "header cannot be read"),
    "weights cut off": (lambda f: cut(f / TRANSFORMER, -1), r"not whole: it has \d+ bytes"),
    "weights too long": (
        lambda f: (f / TRANSFORMER).write_bytes((f / TRANSFORMER).read_bytes() + b"\0"),
        "not whole",
    ),
    "weights of text": (lambda f: (f / TRANSFORMER).write_text("<html>" * 99), "cannot be read"),
    "a pointer to weights": (
        lambda f: (f / TRANSFORMER).write_text("version https://git-lfs\noid 1\nsize 2\n"),
        "header cannot be read",
    ),
    "a shard missing": (lost_shard, "no .*b.safetensors, which .*index.json names"),
    "a tensor missing": (lost_tensor, "which no shard holds"),
    "no weight map": (no_weight_map, "no weight_map"),
    "weights of fewer blocks": (fewer_blocks, "says 4 blocks and the weights beside it have 3"),
    "unknown argument": (
        lambda f: edit(f / "transformer/config.json", guidance_embeds=True),
        "guidance_embeds is not an argument",
    ),
    "no number of blocks": (
        lambda f: edit(f / "transformer/config.json", num_layers="4"),
        "num_layers must be a whole number above 0, not '4'",
    ),
    "attention in no block": (
        lambda f: edit(f / "transformer/config.json", dual_attention_layers=[4]),
        "dual_attention_layers must list blocks from 0 to 3",
    ),
    "no room for T5's tokens": (
        lambda f: edit(f / "transformer/config.json", text_tokens=CLIP_LENGTH),
        "leaves 0 beside CLIP's 16",
    ),
    "other latents": (
        lambda f: edit(f / "vae/config.json", latent_channels=16),
        f"latents of 16 channels, and the transformer takes {LATENT}",
    ),
    "no scaling": (
        lambda f: edit(f / "vae/config.json", scaling_factor=...),
        "scaling_factor must be a number above 0, not None",
    ),
    "a shift in words": (
        lambda f: edit(f / "vae/config.json", shift_factor="none"),
        "shift_factor must be a number or null",
    ),
    "other pooled width": (
        lambda f: edit(f / "text_encoder/config.json", projection_dim=16),
        "give 16 and 12 pooled values, and the transformer takes 20",
    ),
    "other tokens": (
        lambda f: edit(f / "text_encoder_3/config.json", d_model=32),
        "width 32, and the transformer takes 24",
    ),
    "no scheduler": (lambda f: shutil.rmtree(f / "scheduler"), "no .*scheduler_config.json"),
    "another scheduler": (
        lambda f: edit(f / "scheduler/scheduler_config.json", _class_name="DDIMScheduler"),
        "model: the scheduler is DDIMScheduler, which is not the flow matching",
    ),
    "an option of it": (
        lambda f: edit(f / "scheduler/scheduler_config.json", invert_sigmas=True),
        "model: the scheduler sets invert_sigmas",
    ),
    "no tokenizer": (lambda f: shutil.rmtree(f / "tokenizer_2"), "tokenizer_config.json: a fol"),
    "no words": (
        lambda f: (f / "tokenizer/tokenizer.json").unlink(),
        "neither .*tokenizer.json nor vocab.json and merges.txt",
    ),
}


@pytest.mark.parametrize("how", BAD)
def test_a_bad_folder_is_refused_in_one_sentence(good, how):
    spoil, says = BAD[how]
    spoil(good)
    with pytest.raises(UserError, match=says) as refusal:
        read_folder(good)
    assert str(good) in str(refusal.value)
    assert "\n" not in str(refusal.value)


def test_a_file_is_no_folder(good):
    with pytest.raises(UserError, match="is a file: a folder of"):
        read_folder(good / TRANSFORMER)
