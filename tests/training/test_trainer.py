"""The steps: the same numbers as a loop written in plain torch."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from diffusers import UNet2DConditionModel
from PIL import Image
from torch.nn import functional

from modules.training.draws import draw_seed
from modules.training.options import TrainingOptions
from tests.training.conftest import School

STEPS = 20


def losses_of(school: School, options: TrainingOptions, monkeypatch: pytest.MonkeyPatch) -> list[float]:
    from modules.training.trainer import Trainer

    found: list[float] = []
    step = Trainer.step

    def noted(self: Trainer, number: int) -> Any:
        made = step(self, number)
        found.append(made.loss)
        return made

    monkeypatch.setattr(Trainer, "step", noted)
    school.train(options)
    return found


def plain_loop(school: School, rate: float, rank: int) -> list[float]:
    """LoRA on attention of the UNet by torch alone: one picture, its caption, AdamW."""
    model = school.app.engine.load(school.app.catalogue.find("tiny"))
    unet: UNet2DConditionModel = model.checkpoint.unet
    pixels = torch.from_numpy(np.asarray(Image.open(school.pictures / "00.png"), np.float32) / 127.5 - 1)
    vae: Any = model.checkpoint.vae
    with torch.no_grad():
        latents = vae.encode(pixels.permute(2, 0, 1)[None]).latent_dist.mean * 0.18215
        (encoder,) = model.text_encoder.encoders
        ids = [encoder.tokenizer.start, *encoder.tokenizer.encode("red cat, tag 0")]
        ids += [encoder.tokenizer.end] * (77 - len(ids))
        text = encoder.model(input_ids=torch.tensor([ids])).last_hidden_state
    betas = torch.linspace(0.00085**0.5, 0.012**0.5, 1000, dtype=torch.float64) ** 2
    abar = torch.cumprod(1 - betas, 0).float()
    pairs: list[tuple[torch.nn.Parameter, torch.nn.Parameter]] = []
    handles: list[Any] = []
    for name, module in unet.named_modules():
        is_layer = isinstance(module, torch.nn.Linear | torch.nn.Conv2d)
        if not is_layer or "attentions." not in name or module.weight.shape[2:] not in ((), (1, 1)):
            continue
        kernel = module.weight.shape[2:]
        down = torch.nn.Parameter(torch.empty(rank, module.weight.shape[1], *kernel))
        up = torch.nn.Parameter(torch.zeros(module.weight.shape[0], rank, *kernel))
        seed = draw_seed(0, "layer", f"lora_unet_{name.replace('.', '_')}")
        torch.nn.init.kaiming_uniform_(down, a=5**0.5, generator=torch.Generator().manual_seed(seed))
        pairs.append((down, up))

        def add(module: Any, given: Any, output: torch.Tensor, down: Any = down, up: Any = up) -> torch.Tensor:
            product = (up.flatten(1) @ down.flatten(1)).reshape(module.weight.shape)
            apply = functional.linear if product.ndim == 2 else functional.conv2d
            return output + apply(given[0], product)

        handles.append(module.register_forward_hook(add))
    optimiser = torch.optim.AdamW([each for pair in pairs for each in pair], lr=rate, weight_decay=0.01)
    losses: list[float] = []
    for step in range(STEPS):
        drawing = torch.Generator().manual_seed(draw_seed(0, "step", step))
        t = torch.randint(0, 1000, (1,), generator=drawing)
        noise = torch.randn(latents.shape, generator=drawing)
        noised = abar[t].sqrt() * latents + (1 - abar[t]).sqrt() * noise
        loss = functional.mse_loss(unet(noised, t, encoder_hidden_states=text).sample, noise)
        optimiser.zero_grad()
        loss.backward()
        optimiser.step()
        losses.append(float(loss.detach()))
    for handle in handles:
        handle.remove()
    return losses


@pytest.mark.parametrize("checkpointing", [False, True])
def test_the_losses_of_twenty_steps_are_those_of_a_plain_loop(
    school: School, monkeypatch: pytest.MonkeyPatch, checkpointing: bool
) -> None:
    for path in school.pictures.iterdir():
        if path.stem != "00":
            path.unlink()
    expected = plain_loop(school, 1e-2, 4)
    options = school.options(
        dataset={"latent_sampling": "deterministic"},
        steps={"steps": STEPS, "learning_rate": "1e-2", "gradient_checkpointing": checkpointing},
        lora={"rank": 4},
    )
    found = losses_of(school, options, monkeypatch)
    assert len(found) == STEPS
    assert max(abs(a - b) for a, b in zip(found, expected, strict=True)) < 1e-5
    assert expected[-1] != expected[0]


def test_a_lora_file_gives_the_same_network_in_diffusers(school: School, tmp_path: Path) -> None:
    """Read by diffusers' own converter, every tensor finds its module of the UNet."""
    from diffusers.loaders.lora_conversion_utils import _convert_non_diffusers_lora_to_diffusers
    from safetensors.torch import load_file

    result = school.train(school.options(lora={"rank": 2, "text_encoder": True}))
    tensors = load_file(result.path)
    converted, alphas = _convert_non_diffusers_lora_to_diffusers(dict(tensors))
    model = school.app.engine.model
    assert model is not None
    modules = dict(model.checkpoint.unet.named_modules())
    found = 0
    for key, tensor in converted.items():
        if key.startswith("unet.") and key.endswith("down.weight"):
            path = re.sub(r"\.processor\.(to_\w+)_lora\.down\.weight$", r".\1", key.removeprefix("unet."))
            path = re.sub(r"\.lora\.down\.weight$", "", path)
            path = path if path in modules and hasattr(modules[path], "weight") else f"{path}.0"
            assert modules[path].weight.shape[1] == tensor.shape[1], key
            found += 1
    downs = [key for key in tensors if key.startswith("lora_unet_") and key.endswith("lora_down.weight")]
    assert found == len(downs)
    assert alphas
