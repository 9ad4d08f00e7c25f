"""The UNet as extensions read it: its weights and modules under the names of LDM's single-file layout."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from modules.checkpoints.layout import UNetLayout


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


class UNetView:
    """The UNet of diffusers, and its weights under the names of LDM's single-file layout.

    What is not asked by such a name is the UNet's own. `named_modules` and `state_dict` speak in LDM's names.
    """

    def __init__(self, unet: Any) -> None:
        self.__dict__["unet"] = unet

    def _names(self) -> Any:
        from modules.checkpoints.ldm_keys import KeyMap, unet_modules

        return KeyMap((ours, theirs) for theirs, ours in unet_modules(layout_of(self.unet)))

    def state_dict(self) -> dict[str, Any]:
        """Weights by LDM's names."""
        names = self._names()
        return {names(name) or name: tensor for name, tensor in self.unet.state_dict().items()}

    def named_parameters(self) -> Any:
        """The same as pairs."""
        names = self._names()
        return ((names(name) or name, parameter) for name, parameter in self.unet.named_parameters())

    def named_modules(self) -> Any:
        """Modules with LDM's names."""
        names = self._names()
        return ((names(name) or name, module) for name, module in self.unet.named_modules())

    def __getattr__(self, name: str) -> Any:
        return getattr(self.__dict__["unet"], name)
