"""What extensions derive other ways to compute attention, and other programs for the UNet, from."""

from __future__ import annotations

from typing import Any


class SdOptimization:
    """What extensions add with on_list_optimizers: a way to compute attention. Easel chooses its own."""

    name: str = ""
    label: str | None = None
    cmd_opt: str | None = None
    priority = 0

    def title(self) -> str:
        """The name as lists show it."""
        return self.name if self.label is None else f"{self.name} - {self.label}"

    def is_available(self) -> bool:
        """Whether it can be used here."""
        return True

    def apply(self) -> None:
        """To be overridden."""

    def undo(self) -> None:
        """To be overridden."""


class SdUnetOption:
    """What extensions add with on_list_unets: another program for the UNet of the checkpoint `model_name`."""

    model_name: str | None = None
    label: str | None = None

    def create_unet(self) -> Any:
        """To be overridden."""
        raise NotImplementedError


class SdUnet:
    """Another program for the UNet: `forward(x, timesteps, context)`."""

    def forward(self, x: object, timesteps: object, context: object, *args: object, **kwargs: object) -> Any:
        """To be overridden."""
        raise NotImplementedError

    def activate(self) -> None:
        """To be overridden."""

    def deactivate(self) -> None:
        """To be overridden."""
