"""The checkpoint file: a single-file Stable Diffusion 1 checkpoint in float16, out of a work folder and back."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import torch
from safetensors import safe_open
from safetensors.torch import save_file
from torch import Tensor

from starter_model.averaging import flatten
from starter_model.conditioning import Conditioner, used_tokens
from starter_model.dataset import load_vae
from starter_model.networks import Autoencoder, TextEncoder, TextShape, UNet, UNetShape, VaeShape
from starter_model.schedule import alphas_cumprod
from starter_model.sheet import Networks
from starter_model.tokens import UNKNOWN, Words
from starter_model.unet import load_conditioner, load_unet

UNET, VAE, TEXT = "model.diffusion_model.", "first_stage_model.", "cond_stage_model.transformer."
LIMIT_BYTES = 24_000_000


def fill_unknown_rows(embedding: Tensor, known: Tensor) -> Tensor:
    """Rows that training never used become the learned meaningless word, each with its own trace of noise."""
    generator = torch.Generator().manual_seed(11)
    stand_in = embedding[UNKNOWN]
    noise = torch.randn(embedding.shape, generator=generator) * stand_in.std() * 0.05
    return torch.where(known[:, None], embedding, stand_in + noise)


def metadata(shape: dict[str, Any]) -> dict[str, str]:
    """The file's metadata; all values are text, as safetensors wants."""
    architecture = {
        "unet": {"num_heads": shape["unet"]["heads"], "norm_num_groups": shape["unet"]["groups"]},
        "vae": {"norm_num_groups": shape["vae"]["groups"]},
        "text_encoder": {"num_heads": shape["text"]["heads"]},
    }
    return {
        "format": "pt",
        "easel.architecture": json.dumps(architecture),
        "easel.training": json.dumps(shape),
        "modelspec.sai_model_spec": "1.0.0",
        "modelspec.architecture": "stable-diffusion-v1",
        "modelspec.implementation": "https://github.com/CompVis/stable-diffusion",
        "modelspec.title": "Easel starter",
        "modelspec.author": "The Easel authors",
        "modelspec.license": "Apache-2.0",
        "modelspec.resolution": "256x256",
        "modelspec.prediction_type": "epsilon",
        "modelspec.description": (
            "A small model of plain shapes, houses, trees, cats and boats in ten colours, trained from nothing on "
            "pictures drawn by Easel's own renderer. Best at 256x256, 20 steps, CFG 5."
        ),
    }


def export(workdir: Path, out: Path, words: Words) -> None:
    """Write the moving average of a work folder's UNet with its autoencoder and text encoder as one file."""
    shape = json.loads((workdir / "shape.json").read_text())
    conditioner = load_conditioner(workdir, words)
    tensors: dict[str, Tensor] = {}
    parts = ((UNET, load_unet(workdir)), (VAE, load_vae(workdir)), (TEXT, conditioner.encoder))
    for prefix, net in parts:
        for name, value in net.state_dict().items():
            tensors[prefix + name] = value.half().contiguous() if value.is_floating_point() else value.contiguous()
    rows = TEXT + "text_model.embeddings.token_embedding.weight"
    full = conditioner.encoder.text_model.embeddings.token_embedding.weight.detach()
    tensors[rows] = fill_unknown_rows(full, conditioner.known).half().contiguous()
    tensors["alphas_cumprod"] = alphas_cumprod()
    broken = [name for name, value in tensors.items() if not bool(torch.isfinite(value).all())]
    if broken:
        raise ValueError(f"{workdir}: {len(broken)} tensors do not fit float16 or are not finite, first {broken[0]}")
    out.parent.mkdir(parents=True, exist_ok=True)
    save_file(tensors, out, metadata=metadata(shape))
    size = out.stat().st_size
    print(f"{out}: {size / 1e6:.2f} MB, {len(tensors)} tensors")
    if size > LIMIT_BYTES:
        raise ValueError(f"{out} has {size} bytes; at most {LIMIT_BYTES} may be shipped. Use smaller widths.")


def _read(path: Path) -> tuple[dict[str, Any], dict[str, dict[str, Tensor]]]:
    parts: dict[str, dict[str, Tensor]] = {UNET: {}, VAE: {}, TEXT: {}}
    with safe_open(path, framework="pt") as file:
        shape = json.loads(file.metadata()["easel.training"])
        for name in file.keys():  # noqa: SIM118 - safe_open is no mapping
            for prefix, part in parts.items():
                if name.startswith(prefix):
                    value = file.get_tensor(name)
                    part[name.removeprefix(prefix)] = value.float() if value.is_floating_point() else value
    return shape, parts


def _networks(path: Path) -> tuple[dict[str, Any], UNet, Autoencoder, TextEncoder]:
    shape, parts = _read(path)
    unet, vae = UNet(UNetShape(**shape["unet"])), Autoencoder(VaeShape(**shape["vae"]))
    encoder = TextEncoder(TextShape(**shape["text"]))
    for net, part in ((unet, parts[UNET]), (vae, parts[VAE]), (encoder, parts[TEXT])):
        net.load_state_dict(part)
        net.eval().requires_grad_(False)
    return shape, unet, vae, encoder


def load_exported(path: Path, words: Words) -> Networks:
    """The networks of an exported file in float32."""
    _, unet, vae, encoder = _networks(path)
    everything = torch.ones(encoder.shape.vocabulary, dtype=torch.bool)
    form = torch.channels_last
    conditioner = Conditioner(encoder, words, everything)
    return Networks(unet=unet.to(memory_format=form), vae=vae.to(memory_format=form), conditioner=conditioner)


def start_from(path: Path, workdir: Path, words: Words) -> None:
    """Fill an empty work folder from an exported file, so that training goes on from there."""
    if (workdir / "unet.pt").exists():
        raise FileExistsError(f"{workdir} already holds training; leave out --from to resume it, or name a new folder")
    shape, unet, vae, encoder = _networks(path)
    workdir.mkdir(parents=True, exist_ok=True)
    (workdir / "shape.json").write_text(json.dumps(shape, indent=1))
    known = used_tokens(words)
    known[UNKNOWN] = True
    weights = flatten(unet.parameters())
    torch.save(vae.state_dict(), workdir / "vae.pt")
    torch.save({"encoder": encoder.state_dict(), "known": known}, workdir / "text.pt")
    torch.save({"weights": weights, "ema": weights.clone(), "seconds": 0.0, "seen": 0}, workdir / "unet.pt")
