"""The UNet as extensions read and change it: LDM's blocks and names over the UNet of diffusers.

Once an extension has asked for its blocks, or has replaced its `forward` or the function that joins blocks, the
program's own calls go through them, with the same numbers.
"""

from __future__ import annotations

import contextlib
import functools
from collections.abc import Generator
from typing import TYPE_CHECKING, Any

import torch
from torch import Tensor, nn

from modules.a1111.current import current
from modules.a1111.ldm.attention import attention_view
from modules.a1111.ldm.blocks import (
    NetworkCall,
    input_blocks,
    is_joining_replaced,
    middle_block,
    output_blocks,
    th,
)
from modules.a1111.ldm.views import view_on
from modules.foundation.errors import Interrupted
from modules.foundation.plain import JsonObject

if TYPE_CHECKING:
    from modules.checkpoints.layout import UNetLayout

BLOCKS = ("time_embed", "label_emb", "input_blocks", "middle_block", "output_blocks", "out")
"""The parts of LDM's UNet."""


def layout_of(unet: Any) -> UNetLayout:
    """The dimensions of a UNet of diffusers, as far as names depend on them."""
    from modules.checkpoints.layout import UNetLayout

    config = unet.config
    per_block = int(config["layers_per_block"])
    down = [tuple(_depth(block, index) for index in range(per_block)) for block in unet.down_blocks]
    up = [tuple(_depth(block, index) for index in range(per_block + 1)) for block in reversed(unet.up_blocks)]
    middle = unet.mid_block
    return UNetLayout(
        in_channels=int(config["in_channels"]),
        out_channels=int(config["out_channels"]),
        channels=tuple(config["block_out_channels"]),
        res_blocks=per_block,
        depths=tuple(down),
        up_depths=tuple(up),
        middle_depth=0 if middle is None else _depth(middle, 0),
        context_width=0,
        linear_projection=bool(config["use_linear_projection"]),
        middle_blocks=0 if middle is None else len(middle.resnets),
    )


def _depth(block: Any, index: int) -> int:
    attentions = getattr(block, "attentions", None)
    return 0 if attentions is None or index >= len(attentions) else len(attentions[index].transformer_blocks)


class UNetView(nn.Module):
    """`model.diffusion_model`: `forward(x, timesteps, context, y)`, and the blocks that it goes through.

    What is not asked by a name of LDM is the UNet's own. Weights are told under LDM's names.
    """

    stands_for = ("UNetModel",)

    def __init__(self, unet: Any) -> None:
        super().__init__()
        self.__dict__["unet"], self.__dict__["call"] = unet, NetworkCall()

    # Weights and layers by LDM's names

    def _names(self) -> Any:
        from modules.checkpoints.ldm_keys import KeyMap, unet_modules

        return KeyMap((module, key) for key, module in unet_modules(layout_of(self.unet)))

    def state_dict(self, *_: object, **__: object) -> JsonObject:
        """Weights by LDM's names."""
        names = self._names()
        return {names(name) or name: tensor for name, tensor in self.unet.state_dict().items()}

    def named_parameters(self, *_: object, **__: object) -> Any:
        """The parameters as pairs of name and tensor."""
        names = self._names()
        return ((names(name) or name, parameter) for name, parameter in self.unet.named_parameters())

    def named_modules(self, *_: object, **__: object) -> Any:
        """Blocks and layers with LDM's names."""
        self.lay_out()
        for name, module in super().named_modules():
            yield name, attention_view(module) if name.endswith((".attn1", ".attn2")) else module

    def modules(self, remove_duplicate: bool = True) -> Any:
        """The same without names."""
        return (module for _, module in self.named_modules())

    # Computing

    def forward(
        self, x: Tensor, timesteps: Tensor, context: Tensor | None = None, y: Tensor | None = None, **_: object
    ) -> Tensor:
        """Scaled latents `x` [B, C, h, w] at time steps [B], with the prompt [B, n, width] and SDXL's vector [B, m]."""
        self.lay_out()
        unet, call, parts = self.unet, self.__dict__["call"], self._modules
        emb = self.time_embed(unet.get_time_embed(sample=x, timestep=timesteps))
        if y is not None and parts.get("label_emb") is not None:
            emb = emb + self.label_emb(y.to(emb.dtype))
        handed: list[Tensor] = []
        for block in self.input_blocks:
            x = block(x, emb, context)
            handed.append(x)
        if call.down is not None:
            handed = [tensor + added for tensor, added in zip(handed, call.down, strict=True)]
        if parts.get("middle_block") is not None:
            x = self.middle_block(x, emb, context)
        if call.middle is not None:
            x = x + call.middle
        odd = any(side % 2**unet.num_upsamplers for side in handed[0].shape[-2:])
        for block in self.output_blocks:
            x = _joined(x, handed.pop())
            call.enlarged = (handed[-1].shape[-2], handed[-1].shape[-1]) if odd and handed else None
            x = block(x, emb, context)
        return self.out(x)

    def register_forward_hook(self, *arguments: Any, **named: Any) -> Any:
        """Have a function called with what the network gives."""
        self.lay_out()
        return super().register_forward_hook(*arguments, **named)

    def register_forward_pre_hook(self, *arguments: Any, **named: Any) -> Any:
        """Have a function called with what the network is given."""
        self.lay_out()
        return super().register_forward_pre_hook(*arguments, **named)

    def lay_out(self) -> None:
        """Make the blocks, once, and have the program's calls go through them."""
        if "input_blocks" in self._modules:
            return
        unet, call = self.unet, self.__dict__["call"]
        blocks: dict[str, nn.Module | None] = {"time_embed": _embedding(unet.time_embedding)}
        label = getattr(unet, "add_embedding", None) or getattr(unet, "class_embedding", None)
        if label is not None:
            blocks["label_emb"] = nn.Sequential(_embedding(label))
        blocks["input_blocks"] = input_blocks(unet, call)
        blocks["middle_block"] = middle_block(unet, call)
        blocks["output_blocks"] = output_blocks(unet, call)
        blocks["out"] = nn.Sequential(unet.conv_norm_out, unet.conv_act, unet.conv_out)
        self._modules.update(blocks)
        self.take_over()

    def take_over(self) -> None:
        """Have the program's calls of the UNet come here."""
        self.unet.__dict__["forward"] = functools.partial(_called, self)

    def restore(self) -> None:
        """Have the UNet compute by itself again, and forget the blocks with what was changed in them."""
        self.unet.__dict__.pop("forward", None)
        self.__dict__.pop("forward", None)
        for name in BLOCKS:
            self._modules.pop(name, None)

    @contextlib.contextmanager
    def called(self, call: NetworkCall) -> Generator[None]:
        """While the program calls the UNet with more than LDM's arguments."""
        mine: NetworkCall = self.__dict__["call"]
        mine.attention, mine.down, mine.middle = call.attention, call.down, call.middle
        try:
            yield
        finally:
            mine.attention = mine.down = mine.middle = mine.enlarged = None

    def __getattr__(self, name: str) -> Any:
        if name in BLOCKS:
            self.lay_out()
            if name in self._modules:
                return self._modules[name]
        return getattr(self.__dict__["unet"], name)

    def __setattr__(self, name: str, value: Any) -> None:
        if name == "forward":
            self.lay_out()
            self.__dict__["forward"] = value
        else:
            super().__setattr__(name, value)


def _embedding(real: Any) -> nn.Sequential:
    return nn.Sequential(real.linear_1, real.act, real.linear_2)


def _joined(x: Tensor, handed: Tensor) -> Tensor:
    """Both one after the other, of the size of what was handed over."""
    if x.shape[-2:] != handed.shape[-2:]:
        x = nn.functional.interpolate(x, handed.shape[-2:], mode="nearest")
    return th.cat([x, handed], dim=1)


def _called(
    view: UNetView,
    sample: Tensor,
    timestep: Tensor,
    encoder_hidden_states: Tensor,
    class_labels: Tensor | None = None,
    added_cond_kwargs: dict[str, Tensor] | None = None,
    **named: Any,
) -> tuple[Tensor]:
    """A call of the program, with diffusers' arguments, through LDM's blocks."""
    y = class_labels
    if added_cond_kwargs is not None:
        y = torch.cat([added_cond_kwargs["text_embeds"], added_cond_kwargs["time_ids"].flatten(1)], dim=-1)
    call = NetworkCall(
        attention=named.get("cross_attention_kwargs"),
        down=named.get("down_block_additional_residuals"),
        middle=named.get("mid_block_additional_residual"),
    )
    further = {} if y is None else {"y": y}
    try:
        with view.called(call):
            return (view(sample, timestep, context=encoder_hidden_states, **further),)
    except Interrupted:
        raise
    except Exception as error:  # the boundary of an extension
        if not current().blame(error, "what it has put into the UNet failed and is not used"):
            raise
        view.restore()
        th.__dict__.clear()
        return view.unet(
            sample,
            timestep,
            encoder_hidden_states,
            class_labels=class_labels,
            added_cond_kwargs=added_cond_kwargs,
            **named,
        )


def unet_view(unet: Any) -> UNetView:
    """The view of a UNet."""
    return view_on(unet, UNetView)


def heed_joining(unet: Any) -> None:
    """Where an extension has replaced the function that joins blocks, have the UNet's calls use it."""
    if is_joining_replaced() and hasattr(unet, "down_blocks"):
        unet_view(unet).lay_out()
