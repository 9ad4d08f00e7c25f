"""Attention layers and what is around them, as LDM calls them: their `forward` may be replaced."""

from __future__ import annotations

import logging
from typing import TYPE_CHECKING, Any, cast

from torch import nn

from modules.a1111.current import current
from modules.a1111.ldm.views import view_on
from modules.a1111.types import ExtensionFunction
from modules.foundation.errors import Interrupted

if TYPE_CHECKING:
    from torch import Tensor

log = logging.getLogger(__name__)


class Layer(nn.Module):
    """A layer that is called by diffusers, as LDM has it."""

    def restore(self) -> None:
        """Let the layer compute by itself again."""
        self.__dict__.pop("forward", None)
        self.__dict__["real"].__dict__.pop("forward", None)


class CrossAttention(Layer):
    """An attention layer as LDM has it: `forward(x, context=None, mask=None)` may be replaced on the object.

    What is put there is called by the UNet with these arguments, until the first one is put back or the extensions are
    unloaded. All else is the layer's own: `to_q`, `to_k`, `to_v`, `to_out`, `heads`; hooks of torch are called by it.
    """

    stands_for = ("CrossAttention", "MemoryEfficientCrossAttention")

    def __init__(self, real: nn.Module) -> None:
        super().__init__()
        self.__dict__["real"] = real

    def forward(self, x: Tensor, context: Tensor | None = None, mask: Tensor | None = None, **_: object) -> Tensor:
        """The layer's own attention of `x` [B, n, C] to itself, or to `context` [B, m, width]."""
        real = self.__dict__["real"]
        return type(real).forward(real, x, encoder_hidden_states=context, attention_mask=mask)

    def __call__(self, *arguments: object, **named: object) -> Any:
        return self.forward(*cast(Any, arguments), **cast(Any, named))

    @property
    def to_out(self) -> nn.Sequential:
        """The layers at the end, which LDM calls as one."""
        return nn.Sequential(*self.__dict__["real"].to_out)

    def register_forward_hook(self, *arguments: Any, **named: Any) -> Any:
        """Have a function called with what the layer gives."""
        return self.__dict__["real"].register_forward_hook(*arguments, **named)

    def register_forward_pre_hook(self, *arguments: Any, **named: Any) -> Any:
        """Have a function called with what the layer is given."""
        return self.__dict__["real"].register_forward_pre_hook(*arguments, **named)

    def named_modules(self, *arguments: Any, **named: Any) -> Any:
        """The layers within."""
        return self.__dict__["real"].named_modules(*arguments, **named)

    def named_parameters(self, *arguments: Any, **named: Any) -> Any:
        """The weights within."""
        return self.__dict__["real"].named_parameters(*arguments, **named)

    def __getattr__(self, name: str) -> Any:
        return getattr(self.__dict__["real"], name)

    def __setattr__(self, name: str, value: Any) -> None:
        if name == "forward":
            called_with_context(self, value)
        elif name in NN_STATE:
            self.__dict__[name] = value
        else:
            setattr(self.__dict__["real"], name, value)

    def __delattr__(self, name: str) -> None:
        """`del layer.forward` puts the layer's own back."""
        if name == "forward":
            self.restore()
        else:
            delattr(self.__dict__["real"], name)


NN_STATE = frozenset(vars(nn.Module()))
"""What every module of torch keeps for itself."""


def called_with_context(view: Layer, function: ExtensionFunction) -> None:
    """Have the layer of diffusers that `view` stands for call `function` as LDM calls it, or compute by itself again.

    One that raises is named, and taken away.
    """
    real = view.__dict__["real"]
    if getattr(function, "__func__", None) is type(view).forward:
        view.restore()
        return

    def forward(
        hidden_states: Tensor,
        encoder_hidden_states: Tensor | None = None,
        attention_mask: Tensor | None = None,
        **named: object,
    ) -> Tensor:
        mask = {} if attention_mask is None else {"mask": attention_mask}
        try:
            return function(hidden_states, context=encoder_hidden_states, **mask)
        except Interrupted:
            raise
        except Exception as error:  # the boundary of an extension
            if not is_known_failure(function, error):
                log.exception("A forward of layers that %s has put there failed", file_of(function))
            take_away(function, error)
            return type(real).forward(
                real,
                hidden_states,
                encoder_hidden_states=encoder_hidden_states,
                attention_mask=attention_mask,
                **named,
            )

    view.__dict__["forward"] = function
    real.__dict__["forward"] = forward


def _sentence(error: Exception) -> str:
    return f"its forward of layers of the UNet failed and is not used: {error}"


def is_known_failure(function: ExtensionFunction, error: Exception) -> bool:
    """Whether the page says already that a function of this extension fails so."""
    return _sentence(error) in current().errors.get(file_of(function), ())


def take_away(function: ExtensionFunction, error: Exception) -> None:
    """Name an extension whose function failed, and take all that it has put into layers away."""
    file = file_of(function)
    current().failed(file, _sentence(error))
    for view in tuple(current().extras.get("network views", ())):
        if isinstance(view, Layer) and file_of(view.__dict__.get("forward")) == file:
            view.restore()


def file_of(function: ExtensionFunction | None) -> str:
    """The file in which a function stands."""
    return getattr(getattr(function, "__code__", None), "co_filename", "an extension")


def attention_view(real: nn.Module) -> CrossAttention:
    """The view of an attention layer."""
    return view_on(real, CrossAttention)
