"""Unsupported model files: recognised by the names of their tensors, with advice on where they belong."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

from modules.checkpoints.tensors import Shapes

PREFIXES = ("", "model.diffusion_model.", "diffusion_model.", "transformer.", "model.")
"""What stands before a transformer's names in files of different programs."""

NOT_YET = "Easel does not run it yet. Choose an SD1, SD2 or SDXL checkpoint."


@dataclass(frozen=True)
class Unsupported:
    """A kind of file: the names that it alone has, what it is called, and what to do with it."""

    keys: tuple[str, ...]
    what: str
    advice: str = NOT_YET


# A file is of the first kind of which it has all names; the more special ones stand before what they were made from.
TRANSFORMERS = (
    Unsupported(
        ("distilled_guidance_layer.in_proj.weight", "double_blocks.0.img_attn.qkv.weight"), "a Chroma transformer"
    ),
    Unsupported(("double_blocks.0.img_attn.qkv.weight", "img_in.weight"), "a Flux transformer"),
    Unsupported(("double_blocks.0.img_attn.qkv.weight",), "a Flux transformer"),
    Unsupported(("single_transformer_blocks.0.attn.to_q.weight", "x_embedder.weight"), "a Flux transformer"),
    Unsupported(("joint_blocks.0.x_block.attn2.qkv.weight",), "a Stable Diffusion 3.5 transformer (medium)"),
    Unsupported(("joint_blocks.0.x_block.attn.ln_q.weight",), "a Stable Diffusion 3.5 transformer (large)"),
    Unsupported(("joint_blocks.0.x_block.attn.qkv.weight",), "a Stable Diffusion 3 transformer"),
    Unsupported(
        ("transformer_blocks.0.attn.add_q_proj.weight", "pos_embed.proj.weight"), "a Stable Diffusion 3 transformer"
    ),
    Unsupported(("double_layers.0.attn.w1q.weight",), "an AuraFlow transformer"),
    Unsupported(("joint_transformer_blocks.0.attn.add_q_proj.weight",), "an AuraFlow transformer"),
    Unsupported(("txt_in.individual_token_refiner.blocks.0.norm1.weight",), "a HunyuanVideo transformer"),
    Unsupported(("mlp_t5.0.weight",), "a HunyuanDiT transformer"),
    Unsupported(("text_embedder.linear_1.weight", "text_embedding_padding"), "a HunyuanDiT transformer"),
    Unsupported(("y_embedder.y_proj.fc1.weight", "t_block.1.weight"), "a PixArt transformer"),
    Unsupported(
        ("caption_projection.linear_1.weight", "adaln_single.linear.weight", "pos_embed.proj.weight"),
        "a PixArt transformer",
    ),
    Unsupported(("attention_y_norm.weight",), "a Sana transformer"),
    Unsupported(("clip_txt_mapper.weight",), "stage C of Stable Cascade"),
    Unsupported(("effnet_mapper.0.weight",), "stage B of Stable Cascade"),
    Unsupported(("effnet_mappers.0.weight",), "a decoder of Würstchen"),
    Unsupported(("cond_mapper.0.weight", "projection.weight"), "a prior of Würstchen"),
    Unsupported(("noise_refiner.0.attention.qkv.weight", "cap_pad_token"), "a Z-Image transformer"),
    Unsupported(("noise_refiner.0.attention.qkv.weight",), "a Lumina 2 transformer"),
    Unsupported(("cap_embedder.1.weight", "layers.0.attention.wq.weight"), "a Lumina transformer"),
    Unsupported(("transformer_blocks.0.img_mlp.net.0.proj.weight",), "a Qwen-Image transformer"),
    Unsupported(("patchify_proj.weight", "adaln_single.linear.weight"), "an LTX video transformer"),
    Unsupported(("head.modulation", "patch_embedding.weight"), "a Wan video transformer"),
    Unsupported(("t5_yproj.weight",), "a Mochi video transformer"),
)

UNETS = (
    Unsupported(("model.diffusion_model.input_blocks.1.0.time_stack.in_layers.0.weight",), "Stable Video Diffusion"),
    Unsupported(("control_model.input_blocks.0.0.weight",), "a ControlNet", "Put it into models/ControlNet."),
    Unsupported(("cc_projection.weight",), "a Zero123 model"),
)
"""Those with a UNet under the customary names, of which a family might think that it is its own."""

PARTS = (
    Unsupported(("controlnet_cond_embedding.conv_in.weight",), "a ControlNet", "Put it into models/ControlNet."),
    Unsupported(("input_hint_block.0.weight",), "a ControlNet", "Put it into models/ControlNet."),
    Unsupported(("body.0.block1.weight",), "a T2I adapter", "Put it into models/ControlNet."),
    Unsupported(("adapter.body.0.resnets.0.block1.weight",), "a T2I adapter", "Put it into models/ControlNet."),
    Unsupported(("decoder.conv_in.weight", "encoder.conv_in.weight"), "a VAE", "Put it into models/VAE."),
    Unsupported(("first_stage_model.decoder.conv_in.weight",), "a VAE", "Put it into models/VAE."),
    Unsupported(("emb_params",), "a textual inversion", "Put it into embeddings."),
    Unsupported(("clip_l", "clip_g"), "a textual inversion", "Put it into embeddings."),
    Unsupported(("conv_first.weight",), "an upscaler", "Put it into models/ESRGAN or the folder of its kind."),
    Unsupported(("model.0.weight", "model.1.sub.0.RDB1.conv1.0.weight"), "an upscaler", "Put it into models/ESRGAN."),
    Unsupported(("down_blocks.0.motion_modules.0.temporal_transformer.norm.weight",), "a motion module"),
    Unsupported(
        ("input_blocks.0.0.weight", "out.2.weight"), "a UNet alone", "A checkpoint has text encoder and VAE too."
    ),
    Unsupported(
        ("conv_in.weight", "down_blocks.0.resnets.0.conv1.weight", "conv_out.weight"),
        "a UNet alone, in diffusers' form",
        "Keep the whole folder of the model, with model_index.json, in models/Stable-diffusion.",
    ),
    Unsupported(("encoder.block.0.layer.0.SelfAttention.q.weight",), "a T5 text encoder"),
    Unsupported(
        ("text_model.embeddings.token_embedding.weight",), "a CLIP text encoder", "It is part of a checkpoint."
    ),
)

NETWORK_TAILS = (
    *(".lora_up.weight", ".lora_down.weight", ".lora_A.weight", ".lora.up.weight", "_lora.up.weight"),
    *(".hada_w1_a", ".lokr_w1", ".lokr_w1_a", ".lokr_w2", ".oft_blocks", ".oft_diag", ".on_input", ".dora_scale"),
)
LORA = "Put it into models/Lora and mention it in a prompt: <lora:name:1>."

OTHERS: tuple[tuple[Callable[[str], bool], str, str], ...] = (
    (lambda key: key.endswith(NETWORK_TAILS), "a LoRA or one of its relatives", LORA),
    (lambda key: key.startswith(("image_proj.", "ip_adapter.")), "an IP-Adapter", "Put it into models/ControlNet."),
    (lambda key: key.startswith("lllite_"), "a ControlNet LLLite", "Put it into models/ControlNet."),
    (lambda key: key.startswith("model_ema."), "a file with nothing but training averages", NOT_YET),
)
"""Kinds that any one name gives away."""


def unsupported_kind(shapes: Shapes) -> str | None:
    """What a file is that is no checkpoint of a family here, in words, with advice; None where nothing tells.

    It completes "the file is ...".
    """
    for kind in TRANSFORMERS:
        if any(all(prefix + key in shapes for key in kind.keys) for prefix in PREFIXES):
            return f"{kind.what}; {kind.advice}"
    for kind in UNETS:
        if all(key in shapes for key in kind.keys):
            return f"{kind.what}; {kind.advice}"
    if "model.diffusion_model.input_blocks.0.0.weight" in shapes:
        return None
    for tells, what, advice in OTHERS:
        if any(tells(key) for key in shapes):
            return f"{what}, not a checkpoint. {advice}"
    for kind in PARTS:
        if all(key in shapes for key in kind.keys):
            return f"{kind.what}, not a checkpoint. {kind.advice}"
    return None
