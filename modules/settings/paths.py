"""Which folder holds what, as the flags decide it. The layout is A1111's, so an existing folder can be pointed to."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from modules.settings.flags import Flags

PROGRAM_FOLDER = Path(__file__).resolve().parents[2]
"""The folder of webui.py."""


@dataclass(frozen=True, kw_only=True)
class Paths:
    """Absolute paths of everything that Easel reads and writes for its user."""

    data: Path
    models: Path
    checkpoint_folders: tuple[Path, ...]
    vae_folders: tuple[Path, ...]
    lora: Path
    lycoris: Path
    hypernetworks: Path
    embeddings: Path
    upscaler_folders: Mapping[str, Path]
    outputs: Path
    settings_file: Path
    ui_config_file: Path
    styles_files: tuple[Path, ...]
    starter_checkpoint: Path

    @classmethod
    def from_flags(cls, flags: Flags, program: Path = PROGRAM_FOLDER) -> Paths:
        """Resolve the folders that `flags` name; nothing is created."""
        data = (flags.data_dir or program).expanduser().absolute()
        models = (flags.models_dir or data / "models").expanduser().absolute()
        return cls(
            data=data,
            models=models,
            checkpoint_folders=_existing_first(models / "Stable-diffusion", flags.ckpt_dir),
            vae_folders=_existing_first(models / "VAE", flags.vae_dir),
            lora=(flags.lora_dir or models / "Lora").expanduser().absolute(),
            lycoris=(flags.lyco_dir_backcompat or models / "LyCORIS").expanduser().absolute(),
            hypernetworks=(flags.hypernetwork_dir or models / "hypernetworks").expanduser().absolute(),
            embeddings=(flags.embeddings_dir or data / "embeddings").expanduser().absolute(),
            upscaler_folders={
                family: (given or models / family).expanduser().absolute()
                for family, given in {
                    "ESRGAN": flags.esrgan_models_path,
                    "RealESRGAN": flags.realesrgan_models_path,
                    "BSRGAN": flags.bsrgan_models_path,
                    "SwinIR": flags.swinir_models_path,
                    "Swin2SR": None,
                    "DAT": flags.dat_models_path,
                    "HAT": None,
                    "ScuNET": flags.scunet_models_path,
                }.items()
            },
            outputs=data / "outputs",
            settings_file=(flags.ui_settings_file or data / "config.json").expanduser().absolute(),
            ui_config_file=(flags.ui_config_file or data / "ui-config.json").expanduser().absolute(),
            styles_files=tuple(path.expanduser().absolute() for path in flags.styles_file) or (data / "styles.csv",),
            starter_checkpoint=program / "models" / "Stable-diffusion" / "easel-starter.safetensors",
        )


def _existing_first(folder: Path, further: Path | None) -> tuple[Path, ...]:
    return (folder,) if further is None else (folder, further.expanduser().absolute())
