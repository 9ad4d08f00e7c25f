"""Lists and small helpers of A1111: schedules, VAEs, styles written out, facts of files, downloads, times."""

from __future__ import annotations

import hashlib
import time
import urllib.request
from collections.abc import Callable, MutableMapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any
from urllib.parse import urlparse

from modules.a1111.current import current
from modules.foundation.errors import ExtensionError
from modules.foundation.plain import JsonObject

# modules.sd_schedulers


@dataclass
class Scheduler:
    """A noise schedule as scripts know it. `default_rho` is -1 where rho has no meaning."""

    name: str
    label: str
    function: Any
    default_rho: float = -1
    need_inner_model: bool = False
    aliases: list[str] | None = None


def schedulers() -> list[Scheduler]:
    """The schedules of the program, in the order in which they are offered."""
    from modules.sampling.schedules import SCHEDULES

    return [
        Scheduler(
            each.name,
            each.label,
            each.function,
            -1 if each.default_rho is None else each.default_rho,
            each.needs_model,
            list(each.aliases) or None,
        )
        for each in SCHEDULES
    ]


def schedulers_map() -> dict[str, Scheduler]:
    """The same by name and by label."""
    return {name: each for each in schedulers() for name in (each.name, each.label)}


# modules.shared_items


def sd_vae_items() -> list[str]:
    """What can be chosen as VAE."""
    return ["Automatic", "None", *(info.name for info in current().app.vaes.all())]


def refresh_vae_list() -> None:
    """Read the folders of VAEs again."""
    current().app.vaes.refresh()


def get_infotext_names() -> list[str]:
    """The labels of parameters that a pasted text may set."""
    from modules.a1111.sending import paste_fields
    from modules.infotext.labels import SETTINGS

    fields = (field for tab in paste_fields().values() for field in tab.get("fields") or ())
    return sorted({*SETTINGS, *(field[1] for field in fields if isinstance(field[1], str))})


# modules.ui_prompt_styles


def materialize_styles(prompt: str, negative_prompt: str, styles: Sequence[str]) -> list[Any]:
    """Updates: the prompts with the styles written into them, and no style chosen any more."""
    from modules.a1111.gradio3.updates import update

    table = current().shared.prompt_styles
    return [
        update(value=table.apply_styles_to_prompt(prompt, styles)),
        update(value=table.apply_negative_styles_to_prompt(negative_prompt, styles)),
        update(value=[]),
    ]


def refresh_styles() -> tuple[Any, Any]:
    """Updates of two lists of styles, for those that are there now."""
    from modules.a1111.gradio3.updates import update

    names = list(current().shared.prompt_styles.styles)
    return update(choices=names), update(choices=names)


# modules.cache


def cache(subsection: str) -> MutableMapping[str, Any]:
    """A dict of this name that lasts as long as the program runs."""
    kept: dict[str, dict[str, Any]] = current().extras.setdefault("cache", {})
    return kept.setdefault(subsection, {})


def dump_cache() -> None:
    """Nothing: what Easel keeps of files is in its own library."""


def cached_data_for_file(subsection: str, title: str, filename: str, func: Callable[[], Any]) -> Any:
    """What `func()` finds out about a file; called again once the file has changed. None is not kept."""
    kept = cache(subsection)
    changed = Path(filename).stat().st_mtime
    entry = kept.get(title)
    if not entry or entry.get("mtime", 0) < changed:
        value = func()
        if value is None:
            return None
        entry = kept[title] = {"mtime": changed, "value": value}
    return entry["value"]


# modules.modelloader, basicsr.utils.download_util


def load_file_from_url(
    url: str,
    model_dir: str | None = None,
    progress: bool = True,
    file_name: str | None = None,
    hash_prefix: str | None = None,
) -> str:
    """The path of a file that is fetched from `url` into `model_dir` where it is not there yet.

    Raises ExtensionError with --offline and where it cannot be fetched or has another SHA-256.
    """
    folder = Path(model_dir or current().app.paths.models)
    target = folder / (file_name or Path(urlparse(url).path).name)
    if not target.exists():
        folder.mkdir(parents=True, exist_ok=True)
        _fetch(url, target, hash_prefix)
    return str(target.absolute())


def _fetch(url: str, target: Path, hash_prefix: str | None) -> None:
    if current().app.flags.offline:
        raise ExtensionError(f"{url} is not fetched: Easel was started with --offline. Put it to {target}.")
    if not url.startswith(("http://", "https://")):
        raise ExtensionError(f"{url} is no address that can be fetched. Put the file to {target}.")
    part, digest = target.with_name(f"{target.name}.part"), hashlib.sha256()
    try:
        with urllib.request.urlopen(url, timeout=60) as answer, part.open("wb") as file:
            while block := answer.read(1 << 20):
                digest.update(block)
                file.write(block)
        if hash_prefix and not digest.hexdigest().startswith(hash_prefix):
            raise ExtensionError(f"What {url} gave is not the file that was expected: its SHA-256 is another.")
        part.replace(target)
    except OSError as error:
        raise ExtensionError(f"{url} cannot be fetched: {error}. Put it to {target}.") from error
    finally:
        part.unlink(missing_ok=True)


def load_models(
    model_path: str,
    model_url: str | None = None,
    command_path: str | None = None,
    ext_filter: Sequence[str] | None = None,
    download_name: str | None = None,
    ext_blacklist: Sequence[str] | None = None,
    hash_prefix: str | None = None,
) -> list[str]:
    """The files of models in one or two folders and below, by their endings; where there is none, `model_url`."""
    found: dict[str, None] = {}
    for folder in dict.fromkeys(each for each in (command_path, model_path) if each):
        for path in sorted(Path(folder).rglob("*")):
            name = path.name.lower()
            wanted = not ext_filter or path.suffix.lower() in ext_filter
            if path.is_file() and wanted and not any(name.endswith(each) for each in ext_blacklist or ()):
                found[str(path)] = None
    return list(found) or ([model_url] if model_url else [])


def load_upscalers() -> None:
    """Look for upscalers again."""
    current().app.upscalers.refresh()


def friendly_name(file: str) -> str:
    """A file's name without folder and suffix."""
    return Path(urlparse(file).path).stem


# modules.timer


@dataclass
class Timer:
    """Times by name: `record("step")` counts what has passed since the last one."""

    print_log: bool = False
    start: float = field(default_factory=time.time)
    records: dict[str, float] = field(default_factory=dict[str, float])
    total: float = 0.0

    def elapsed(self) -> float:
        """Seconds since this was asked last."""
        end = time.time()
        passed, self.start = end - self.start, end
        return passed

    def record(self, category: str, extra_time: float = 0.0) -> None:
        """Count them for a name."""
        passed = self.elapsed() + extra_time
        self.records[category] = self.records.get(category, 0.0) + passed
        self.total += passed

    def summary(self) -> str:
        """One line with all of them."""
        parts = ", ".join(f"{name}: {seconds:.1f}s" for name, seconds in self.records.items() if seconds >= 0.1)
        return f"{self.total:.1f}s" + (f" ({parts})" if parts else "")

    def dump(self) -> JsonObject:
        """Total and records, in seconds, as a dictionary."""
        return {"total": self.total, "records": self.records}

    def reset(self) -> None:
        """Remove all records and start the clock again."""
        self.start, self.records, self.total = time.time(), {}, 0.0
