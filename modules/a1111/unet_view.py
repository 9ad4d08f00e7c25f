"""The UNet as extensions read it: its weights and modules under the names of LDM's single-file layout."""

from __future__ import annotations

import logging
from typing import TYPE_CHECKING, Any

from modules.a1111.current import current
from modules.a1111.types import ExtensionFunction
from modules.foundation.errors import Interrupted
from modules.foundation.plain import JsonObject

if TYPE_CHECKING:
    from torch import Tensor, nn

    from modules.checkpoints.layout import UNetLayout

log = logging.getLogger(__name__)


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


class CrossAttention:
    """An attention layer as LDM has it: `forward(x, context=None, mask=None)` may be replaced on the object.

    What is put there is called by the UNet with these arguments, until the first one is put back or the extensions are
    unloaded. All else is the layer's own: `to_q`, `to_k`, `to_v`, `to_out`, `heads`.
    """

    def __init__(self, real: nn.Module) -> None:
        self.__dict__["real"] = real

    def forward(self, x: Tensor, context: Tensor | None = None, mask: Tensor | None = None, **_: object) -> Tensor:
        """The layer's own attention of `x` [B, n, C] to itself, or to `context` [B, m, width]."""
        real = self.__dict__["real"]
        return type(real).forward(real, x, encoder_hidden_states=context, attention_mask=mask)

    __call__ = forward

    @property
    def to_out(self) -> nn.Sequential:
        """The layers at the end, which LDM calls as one."""
        from torch import nn

        return nn.Sequential(*self.__dict__["real"].to_out)

    def __getattr__(self, name: str) -> Any:
        return getattr(self.__dict__["real"], name)

    def __setattr__(self, name: str, value: ExtensionFunction) -> None:
        if name != "forward":
            setattr(self.__dict__["real"], name, value)
        elif getattr(value, "__func__", None) is CrossAttention.forward:
            self.restore()
        else:
            self.__dict__["forward"] = value
            self.__dict__["real"].__dict__["forward"] = self._with(value)

    def __delattr__(self, name: str) -> None:
        """`del layer.forward` puts the layer's own back."""
        if name == "forward":
            self.restore()
        else:
            delattr(self.__dict__["real"], name)

    def _with(self, function: ExtensionFunction) -> ExtensionFunction:
        """`function` with the arguments that diffusers gives; one that raises is named, and taken away."""

        def forward(
            hidden_states: Tensor,
            encoder_hidden_states: Tensor | None = None,
            attention_mask: Tensor | None = None,
            **_: object,
        ) -> Tensor:
            try:
                return function(hidden_states, context=encoder_hidden_states, mask=attention_mask)
            except Interrupted:
                raise
            except Exception as error:  # the boundary of an extension
                file = _file_of(function)
                sentence = f"its forward of attention layers failed and is not used: {error}"
                if sentence not in current().errors.get(file, ()):
                    log.exception("A forward of attention layers that %s has put there failed", file)
                current().failed(file, sentence)
                for view in current().extras.get("attention", {}).values():
                    if (other := view.__dict__.get("forward")) is not None and _file_of(other) == file:
                        view.restore()
                real = self.__dict__["real"]
                return type(real).forward(real, hidden_states, encoder_hidden_states, attention_mask)

        return forward

    def restore(self) -> None:
        """Let the layer compute by itself again."""
        self.__dict__.pop("forward", None)
        self.__dict__["real"].__dict__.pop("forward", None)


def _file_of(function: ExtensionFunction) -> str:
    """The file in which a function stands."""
    return getattr(getattr(function, "__code__", None), "co_filename", "an extension")


def attention_view(real: nn.Module) -> CrossAttention:
    """The view of an attention layer: the same one for as long as the extensions are there."""
    views: dict[int, CrossAttention] = current().extras.setdefault("attention", {})
    found = views.get(id(real))
    if found is None or found.__dict__["real"] is not real:
        found = views[id(real)] = CrossAttention(real)
    return found


def restore_attention(views: dict[int, CrossAttention]) -> None:
    """Undo what extensions have replaced."""
    for view in views.values():
        view.restore()
    views.clear()


class UNetView:
    """The UNet of diffusers, and its weights under the names of LDM's single-file layout.

    What is not asked by such a name is the UNet's own. `named_modules` and `state_dict` speak in LDM's names.
    """

    def __init__(self, unet: Any) -> None:
        self.__dict__["unet"] = unet

    def _names(self) -> Any:
        from modules.checkpoints.ldm_keys import KeyMap, unet_modules

        return KeyMap((module, key) for key, module in unet_modules(layout_of(self.unet)))

    def state_dict(self) -> JsonObject:
        """Weights by LDM's names."""
        names = self._names()
        return {names(name) or name: tensor for name, tensor in self.unet.state_dict().items()}

    def named_parameters(self) -> Any:
        """The parameters as pairs of name and tensor."""
        names = self._names()
        return ((names(name) or name, parameter) for name, parameter in self.unet.named_parameters())

    def named_modules(self) -> Any:
        """Modules with LDM's names."""
        names = self._names()
        for name, module in self.unet.named_modules():
            is_attention = name.endswith((".attn1", ".attn2"))
            yield names(name) or name, attention_view(module) if is_attention else module

    def modules(self) -> Any:
        """The modules without names."""
        return (module for _, module in self.named_modules())

    def __getattr__(self, name: str) -> Any:
        return getattr(self.__dict__["unet"], name)
