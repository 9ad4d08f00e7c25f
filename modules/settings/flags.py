"""The command line. Each flag is declared once, as a field of `Flags`; the parser and docs/flags.md are read off it."""

from __future__ import annotations

import argparse
import dataclasses
import difflib
import logging
from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from modules.foundation.errors import StartupError
from modules.foundation.plain import JsonObject
from modules.settings.legacy_flags import IGNORED_SWITCHES, IGNORED_WITH_VALUE

log = logging.getLogger(__name__)


SECRET_FLAGS = frozenset({"api_auth", "gradio_auth", "ngrok", "ngrok_options"})
"""Fields and names of A1111's flags whose values are private; that they are set may be shown."""


def _switch(help_text: str, *names: str) -> Any:
    return field(default=False, metadata={"help": help_text, "names": names, "action": "store_true"})


def path(text: str) -> Path:
    """A path as it is meant where Easel is started: later the working directory may be another."""
    return Path(text).expanduser().absolute()


def _value(default: object, help_text: str, *, convert: object = str, **more: object) -> Any:
    return field(default=default, metadata={"help": help_text, "type": convert, **more})


def _secret(help_text: str, **more: object) -> Any:
    return field(default=None, repr=False, metadata={"help": help_text, "type": str, **more})


def _list(help_text: str, **more: object) -> Any:
    return field(default=(), metadata={"help": help_text, "action": "extend", "nargs": "+", **more})


@dataclass(frozen=True, kw_only=True)
class Flags:
    """What the command line said; the names are A1111's where the thing exists."""

    # Serving
    listen: bool = _switch("serve the whole network (0.0.0.0) instead of this machine alone")
    server_name: str | None = _value(None, "address to serve on; overrides --listen", metavar="ADDRESS")
    port: int | None = _value(None, "port to serve on; default 7860, with --nowebui 7861", convert=int)
    subpath: str | None = _value(None, "path prefix when a reverse proxy serves Easel below one", metavar="PATH")
    api: bool = _switch("serve the API beside the page (it always is; the flag is accepted for old command lines)")
    nowebui: bool = _switch("serve the API alone, without the page")
    allowed_hosts: str | None = _value(
        None, "names, separated by commas, of the tunnel or proxy through which this Easel is reached", metavar="NAMES"
    )
    cors_allow_origins: str | None = _value(None, "origins, separated by commas, that may call the API from a browser")
    cors_allow_origins_regex: str | None = _value(None, "the same as a regular expression", metavar="REGEX")
    tls_keyfile: Path | None = _value(None, "private key (PEM) to serve https with", convert=path)
    tls_certfile: Path | None = _value(None, "certificate (PEM) to serve https with", convert=path)
    gradio_allowed_path: tuple[Path, ...] = _list("folder whose files /file= serves, beside pictures", type=path)
    api_log: bool = _switch("log every request to the API, a line of JSON each")
    api_server_stop: bool = _switch("let the API end or restart Easel (server-stop, server-restart, server-kill)")
    autolaunch: bool = _switch("open the page in the default browser after start-up")
    theme: str | None = _value(None, "colours of the page: light or dark; default: as the browser", metavar="NAME")
    loglevel: str = _value(
        "INFO",
        "how much is logged",
        convert=str.upper,
        choices=("DEBUG", "INFO", "WARNING", "ERROR", "CRITICAL"),
    )
    trace: bool = _switch("log the stages of each run and the calls of its hooks, with their times")

    # Who may do what
    gradio_auth: str | None = _secret(
        "user:password, several separated by commas, asked for by the page and the API", metavar="USERS"
    )
    gradio_auth_path: Path | None = _value(None, "file with such users, separated by commas or lines", convert=path)
    api_auth: str | None = _secret("user:password, several separated by commas, for the API", metavar="USERS")
    allow_code: bool = _switch("let scripts run code that is typed into the page")
    enable_insecure_extension_access: bool = _switch(
        "allow what runs code (installing extensions) although others on the network can reach this Easel"
    )
    disable_extension_access: bool = _switch("extensions cannot be installed, updated or switched from the page")
    disable_extra_extensions: bool = _switch("use no extensions but those that are part of the program")
    disable_all_extensions: bool = _switch("use no extensions at all")
    skip_install: bool = _switch("install nothing that extensions ask for")
    hide_ui_dir_config: bool = _switch("settings of folders cannot be changed on the page or through the API")
    freeze_settings: bool = _switch("no setting can be changed on the page or through the API")
    freeze_settings_in_sections: str | None = _value(
        None, "sections of settings, separated by commas, that cannot be changed", metavar="SECTIONS"
    )
    freeze_specific_settings: str | None = _value(
        None, "settings, separated by commas, that cannot be changed", metavar="KEYS"
    )
    max_request_mb: int = _value(128, "largest request that is read, in megabytes", convert=int, metavar="MB")
    max_image_pixels: int = _value(100_000_000, "pixels of the largest picture that is taken in", convert=int)
    max_side: int = _value(16384, "longest side of a picture that may be asked for, in pixels", convert=int)
    max_batch_pixels: int = _value(64 * 1024 * 1024, "pixels of a batch that may be asked for", convert=int)
    max_batch_size: int = _value(512, "pictures that may be made at once (batch_size)", convert=int)
    max_pictures: int = _value(10_000, "pictures that one request may ask for", convert=int)
    max_steps: int = _value(10_000, "sampling steps that a request may ask for", convert=int)

    offline: bool = _switch("never connect to another machine: no downloads, no pictures by address")
    no_download_sd_model: bool = _switch("download no models, not even when asked to")

    # Folders
    data_dir: Path | None = _value(None, "folder of models, outputs and settings; default: this one", convert=path)
    models_dir: Path | None = _value(None, "folder of models; default: models in the data folder", convert=path)
    ckpt: Path | None = _value(None, "checkpoint to use, beside those in the folders", convert=path)
    ckpt_dir: Path | None = _value(None, "one more folder of checkpoints", convert=path)
    vae_dir: Path | None = _value(None, "one more folder of VAE files", convert=path)
    vae_path: Path | None = _value(None, "VAE file to use with every checkpoint, whatever settings say", convert=path)
    lora_dir: Path | None = _value(None, "folder of LoRA files; default: models/Lora", convert=path)
    lyco_dir_backcompat: Path | None = _value(
        None, "one more folder of LoRA files; default: models/LyCORIS", convert=path
    )
    hypernetwork_dir: Path | None = _value(None, "folder of hypernetworks; default: models/hypernetworks", convert=path)
    embeddings_dir: Path | None = _value(None, "folder of embeddings; default: embeddings", convert=path)
    textual_inversion_templates_dir: Path | None = _value(
        None, "one more folder of prompt templates for training; default: textual_inversion_templates", convert=path
    )
    esrgan_models_path: Path | None = _value(None, "folder of ESRGAN upscalers; default: models/ESRGAN", convert=path)
    realesrgan_models_path: Path | None = _value(
        None, "folder of Real-ESRGAN upscalers; default: models/RealESRGAN", convert=path
    )
    bsrgan_models_path: Path | None = _value(None, "folder of BSRGAN upscalers; default: models/BSRGAN", convert=path)
    swinir_models_path: Path | None = _value(None, "folder of SwinIR upscalers; default: models/SwinIR", convert=path)
    scunet_models_path: Path | None = _value(None, "folder of ScuNET upscalers; default: models/ScuNET", convert=path)
    clip_models_path: Path | None = _value(
        None, "one more folder of CLIP's files, for describing pictures and aesthetic gradients", convert=path
    )
    ldsr_models_path: Path | None = _value(None, "folder of LDSR's checkpoint; default: models/LDSR", convert=path)
    dat_models_path: Path | None = _value(None, "folder of DAT upscalers; default: models/DAT", convert=path)
    a1111_dir: tuple[Path, ...] = _list(
        "folder of an A1111 installation (or one laid out like its models folder) whose models are used too", type=Path
    )
    gfpgan_models_path: Path | None = _value(None, "folder of GFPGAN's files; default: models/GFPGAN", convert=path)
    gfpgan_dir: Path | None = _value(None, "one more folder of GFPGAN's files; default: GFPGAN", convert=path)
    gfpgan_model: Path | None = _value(None, "GFPGAN's weights, beside those in the folders", convert=path)
    codeformer_models_path: Path | None = _value(
        None, "folder of CodeFormer's files; default: models/Codeformer", convert=path
    )
    styles_file: tuple[Path, ...] = _list("file of styles; default: styles.csv in the data folder", type=path)
    ui_config_file: Path | None = _value(None, "file of the page's defaults; default: ui-config.json", convert=path)
    ui_settings_file: Path | None = _value(None, "file of the settings; default: config.json", convert=path)
    filenames_max_length: int = _value(128, "characters that one part of a picture's file name may have", convert=int)
    unix_filenames_sanitization: bool = _switch("replace in file names only what Unix refuses; no effect on Windows")

    # Computing
    use_cpu: tuple[str, ...] = _list("parts that compute on the CPU; 'all' for everything", type=str.lower)
    device_id: str | None = _value(None, "number of the CUDA device to use", metavar="N")
    no_half: bool = _switch("compute in float32 throughout")
    no_half_vae: bool = _switch("compute the VAE in float32")
    precision: str = _value(
        "autocast",
        "full: float32 throughout; half or autocast: the machine's fast type",
        choices=("full", "half", "autocast"),
    )
    medvram: bool = _switch("keep only the part of the model that is computing on the device")
    lowvram: bool = _switch("the same as --medvram")
    xformers: bool = _switch("use xformers' attention on CUDA")
    opt_sdp_attention: bool = _switch("use scaled-dot-product attention (the default)")
    opt_sdp_no_mem_attention: bool = _switch("the same without its memory-efficient kernel")
    opt_channelslast: bool = _switch("use the channels-last memory layout (the default)")
    no_hashing: bool = _switch("compute no hashes of checkpoints and VAEs; pictures then do not name them by hash")
    skip_load_model_at_start: bool = _switch("load the checkpoint with the first picture instead of at start-up")

    @property
    def host(self) -> str:
        """The address to serve on."""
        return self.server_name or ("0.0.0.0" if self.listen else "127.0.0.1")

    @property
    def checkpoint(self) -> str | None:
        """The file that --ckpt names, as an absolute path."""
        return str(self.ckpt.expanduser().absolute()) if self.ckpt else None


def parse_flags(arguments: Sequence[str]) -> Flags:
    """Read a command line (without the program's name).

    A1111's flags that mean nothing here are named in one warning. Raises StartupError for anything else unknown.
    `--help` prints the list and exits, as argparse does.
    """
    flags, unknown = split_flags(arguments)
    refuse_unknown(unknown)
    return flags


def as_arguments(flags: Flags) -> list[str]:
    """A command line that gives these flags again; what is private is left out."""
    arguments: list[str] = []
    for spec in dataclasses.fields(Flags):
        value = getattr(flags, spec.name)
        if value in (None, False, ()) or spec.name in SECRET_FLAGS or value == spec.default:
            continue
        arguments.append("--" + spec.name.replace("_", "-"))
        if value is not True:
            arguments += [str(each) for each in (value if isinstance(value, tuple) else (value,))]
    return arguments


def refuse_unknown(unknown: Sequence[str]) -> None:
    """Raise StartupError if there is a flag that means nothing to anything."""
    if unknown:
        raise StartupError(f"Unknown flag {unknown[0]}.{_nearest(unknown[0])} See --help for the list.", exit_code=2)


def split_flags(arguments: Sequence[str]) -> tuple[Flags, list[str]]:
    """The flags of a command line, and what in it is none of Easel's: an extension may know it."""
    parser = build_parser()
    known, rest = parser.parse_known_args(list(arguments))
    ignored, unknown = _sort_unknown(rest)
    if ignored:
        log.warning("Flags without effect in Easel, ignored: %s", " ".join(ignored))
    explicit = {name: value for name, value in vars(known).items() if value is not None}
    values: JsonObject = {name: _frozen(value) for name, value in explicit.items()}
    return Flags(**values), unknown


def _frozen(value: object) -> Any:
    return tuple(value) if isinstance(value, list) else value


def build_parser() -> argparse.ArgumentParser:
    """The parser that the fields of `Flags` imply."""
    parser = argparse.ArgumentParser(
        prog="webui", description="Easel, a local web UI for text-to-image diffusion.", allow_abbrev=False
    )
    for spec in dataclasses.fields(Flags):
        options = {key: value for key, value in spec.metadata.items() if key != "names"}
        options["default"] = spec.default if options.get("action") != "extend" else None
        parser.add_argument("--" + spec.name.replace("_", "-"), *spec.metadata.get("names", ()), **options)
    parser.error = _raise_startup_error  # type: ignore[method-assign] - argparse would print its usage and exit
    return parser


def _raise_startup_error(message: str) -> Any:
    raise StartupError(f"{message[:1].upper()}{message[1:]}. See --help for the list of flags.", exit_code=2)


def _sort_unknown(rest: Sequence[str]) -> tuple[list[str], list[str]]:
    """Split what the parser did not know into (A1111's, unknown), each without the values that follow a flag."""
    ignored: list[str] = []
    unknown: list[str] = []
    arguments = iter(rest)
    for argument in arguments:
        name, has_value = argument.split("=", 1)[0], "=" in argument
        if name in IGNORED_SWITCHES:
            ignored.append(name)
        elif name in IGNORED_WITH_VALUE:
            ignored.append(name)
            if not has_value:
                next(arguments, None)
        else:
            unknown.append(argument)
    return ignored, unknown


def _nearest(argument: str) -> str:
    names = ["--" + spec.name.replace("_", "-") for spec in dataclasses.fields(Flags)]
    near = difflib.get_close_matches(argument.split("=", 1)[0], names, n=1)
    return f" Did you mean {near[0]}?" if near else ""
