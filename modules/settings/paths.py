"""Which folder holds what, as the flags decide it. The layout is A1111's, so an existing folder can be pointed to."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
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
    gfpgan_folders: tuple[Path, ...]
    gfpgan_file: Path | None
    codeformer: Path
    outputs: Path
    settings_file: Path
    ui_config_file: Path
    styles_files: tuple[Path, ...]
    starter_checkpoint: Path
    trees: tuple[Path, ...] = ()

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
                family: (folder or models / family).expanduser().absolute()
                for family, folder in {
                    "ESRGAN": flags.esrgan_models_path,
                    "RealESRGAN": flags.realesrgan_models_path,
                    "BSRGAN": flags.bsrgan_models_path,
                    "SwinIR": flags.swinir_models_path,
                    "Swin2SR": None,
                    "DAT": flags.dat_models_path,
                    "HAT": None,
                    "ScuNET": flags.scunet_models_path,
                    "LDSR": flags.ldsr_models_path,
                }.items()
            },
            gfpgan_folders=(
                (flags.gfpgan_models_path or models / "GFPGAN").expanduser().absolute(),
                (flags.gfpgan_dir or data / "GFPGAN").expanduser().absolute(),
            ),
            gfpgan_file=flags.gfpgan_model.expanduser().absolute() if flags.gfpgan_model else None,
            codeformer=(flags.codeformer_models_path or models / "Codeformer").expanduser().absolute(),
            outputs=data / "outputs",
            settings_file=(flags.ui_settings_file or data / "config.json").expanduser().absolute(),
            ui_config_file=(flags.ui_config_file or data / "ui-config.json").expanduser().absolute(),
            styles_files=tuple(path.expanduser().absolute() for path in flags.styles_file) or (data / "styles.csv",),
            starter_checkpoint=program / "models" / "Stable-diffusion" / "easel-starter.safetensors",
            trees=tuple(path.expanduser().absolute() for path in flags.a1111_dir),
        )

    def folders(self, kind: str, further: Sequence[str] = ()) -> tuple[Path, ...]:
        """The folders that models of a kind may lie in, Easel's own first; not all of them exist.

        `further` are folders that a setting names, each laid out like an A1111 installation or its models folder.
        """
        own, names = self._own_folders(kind)
        trees = (*self.trees, *(Path(path).expanduser().absolute() for path in further if path.strip()))
        inside = (tree / part / name for tree in trees for part in ("models", "") for name in names)
        return tuple(dict.fromkeys((*own, *inside)))

    def _own_folders(self, kind: str) -> tuple[tuple[Path, ...], tuple[str, ...]]:
        """Easel's own folders of a kind, and what they are called in an A1111 installation."""
        known = {
            "checkpoint": (self.checkpoint_folders, ("Stable-diffusion",)),
            "vae": (self.vae_folders, ("VAE",)),
            "lora": ((self.lora, self.lycoris), ("Lora", "LyCORIS")),
            "hypernetwork": ((self.hypernetworks,), ("hypernetworks",)),
            "embedding": ((self.embeddings,), ("embeddings",)),
            "upscaler": (tuple(self.upscaler_folders.values()), tuple(self.upscaler_folders)),
            # What some checkpoints of Stable Diffusion 2 need besides.
            "midas": ((self.models / "midas",), ("midas",)),
            "karlo": ((self.models / "karlo",), ("karlo",)),
        }
        if kind not in known:
            raise ValueError(f"There are no folders of {kind!r}.")
        return known[kind]


def _existing_first(folder: Path, further: Path | None) -> tuple[Path, ...]:
    return (folder,) if further is None else (folder, further.expanduser().absolute())
