"""The host: which extensions there are, which of them are used, what they need, and how they fare."""

from __future__ import annotations

import contextlib
import hashlib
import logging
import re
import sys
import threading
import time
from collections.abc import Generator, Sequence
from pathlib import Path

from modules.extension_host.environment import Environment, Report
from modules.extension_host.extension import Extension, ExtensionFailure
from modules.extension_host.order import ordered
from modules.extension_host.requirement_lists import requirements_of
from modules.settings.flags import Flags, as_arguments
from modules.settings.store import SettingsStore

log = logging.getLogger(__name__)

FOLDER = "extensions"

OFFERED = {
    "aiofiles": "aiofiles",
    "aiohttp": "aiohttp",
    "altair": "altair",
    "blendmodes": "blendmodes",
    "bs4": "beautifulsoup4",
    "chardet": "chardet",
    "cleanfid": "clean-fid",
    "colorama": "colorama",
    "cv2": "opencv-python-headless",
    "diskcache": "diskcache",
    "ffmpy": "ffmpy",
    "git": "GitPython",
    "imageio": "imageio",
    "importlib_resources": "importlib_resources",
    "inflection": "inflection",
    "jsonmerge": "jsonmerge",
    "jsonschema": "jsonschema",
    "kornia": "kornia",
    "matplotlib": "matplotlib",
    "omegaconf": "omegaconf",
    "piexif": "piexif",
    "psutil": "psutil",
    "pydub": "pydub",
    "pytorch_lightning": "pytorch_lightning",
    "resize_right": "resize-right",
    "scipy": "scipy",
    "semantic_version": "semantic-version",
    "send2trash": "Send2Trash",
    "six": "six",
    "skimage": "scikit-image",
    "timm": "timm",
    "tomesd": "tomesd",
    "toml": "toml",
    "torchdiffeq": "torchdiffeq",
    "torchmetrics": "torchmetrics",
    "torchsde": "torchsde",
    "websockets": "websockets",
}
"""Modules that extensions import unasked, for A1111's environment has them -> what brings them."""


OFFER = "imported by extensions"

TRIED_AGAIN = "It is tried again when its files change, or when the Extensions tab is asked to install again."

MISSING_MODULE = re.compile(r"No module named '([\w.]+)'")


class ExtensionHost:
    """The extensions of one data folder. Building it looks at nothing; `find` does."""

    def __init__(self, data: Path, flags: Flags, settings: SettingsStore) -> None:
        self._flags, self._settings = flags, settings
        self.folder = data / FOLDER
        self.environment = Environment(
            data / "extensions-environment", offline=flags.offline, arguments=as_arguments(flags)
        )
        self.extensions: list[Extension] = []
        self._refused: set[str] = set()
        self.pictures = 0
        """Pictures that were made since the start, with extensions in use."""
        self.install_command: Sequence[str] = (sys.executable,)
        """What runs an install.py, in its folder."""
        self._of_file: dict[str, Extension | None] = {}

    def find(self) -> list[Extension]:
        """Look for extensions, decide which are used, and put them in the order in which they are loaded."""
        folders = [path for path in _folders(self.folder) if not path.name.startswith(".")]
        self.extensions = [Extension(name=path.name, root=path) for path in folders]
        self._switch()
        self.extensions = ordered(
            self.extensions,
            lambda each: each.metadata.name,
            lambda each: each.metadata.before,
            lambda each: (*each.metadata.after, *each.metadata.requires),
        )
        return self.extensions

    def _switch(self) -> None:
        everything = "--disable-all-extensions" if self._flags.disable_all_extensions else ""
        everything = everything or ("--disable-extra-extensions" if self._flags.disable_extra_extensions else "")
        settings = self._settings.current
        if not everything and settings.disable_all_extensions != "none":
            everything = "the setting that disables all extensions"
        off = {str(name).casefold() for name in settings.disabled_extensions}
        for each in self.extensions:
            if everything:
                each.why_off = f"Off by {everything}."
            elif each.name.casefold() in off:
                each.why_off = "Switched off."
        self._check_requirements()

    def _check_requirements(self) -> None:
        """Switch off what needs an extension that is not there or not used; what needs those, too."""
        changed = True
        while changed:
            enabled = {each.metadata.name for each in self.extensions if each.enabled}
            lacking = [
                (each, name) for each in self.extensions if each.enabled for name in each.metadata.requires
                if name not in enabled
            ]  # fmt: skip
            for each, name in lacking:
                if each.enabled:
                    each.why_off = f"It needs the extension {name!r}, which is not installed or is switched off."
                    self.failed_extension(each, each.why_off)
            changed = bool(lacking)

    @property
    def active(self) -> list[Extension]:
        """Those that are used in this run, in the order of loading."""
        return [each for each in self.extensions if each.enabled]

    def of_file(self, file: str) -> Extension | None:
        """The extension that a file belongs to."""
        path = Path(file)
        return next((each for each in self.extensions if path.is_relative_to(each.root)), None)

    def spent(self, file: str, seconds: float) -> None:
        """Note what a method or callback of the extension of a file took within a run."""
        if file not in self._of_file:
            self._of_file[file] = self.of_file(file)
        if (extension := self._of_file[file]) is not None:
            extension.run_seconds += seconds

    def failed(self, file: str, sentence: str, traceback: str = "") -> None:
        """Note, for the page, what the extension of a file failed in; the same is said once."""
        extension = self.of_file(file)
        if extension is not None and all(each.sentence != sentence for each in extension.failures):
            extension.failures.append(ExtensionFailure(sentence=sentence, traceback=traceback))
            del extension.failures[:-100]

    def failed_extension(self, extension: Extension, sentence: str) -> None:
        """The same, for the whole of it."""
        log.warning("Extension %s: %s", extension.name, sentence)
        extension.failures.append(ExtensionFailure(sentence=sentence))

    def switch_off(self, extension: Extension, reason: str) -> None:
        """Use it no more in this run."""
        extension.why_off = reason
        log.error("Extension %s is switched off for this run: %s", extension.name, reason)

    # What they need

    def prepare(self) -> None:
        """Install what the used extensions ask for and that has not been installed yet, then let it be imported."""
        for extension in self.active:
            with self.timed(extension):
                self._prepare(extension)
        self.environment.activate()

    def ask_versions(self) -> None:
        """Have git asked about all of them, beside everything else: what lists them need not wait then."""
        extensions = list(self.extensions)

        def ask() -> None:
            for extension in extensions:
                _ = extension.version

        if extensions:
            threading.Thread(target=ask, name="versions of extensions", daemon=True).start()

    def _prepare(self, extension: Extension) -> None:
        files = [file for name in ("requirements.txt", "install.py") if (file := extension.root / name).is_file()]
        if not files:
            return
        digest = hashlib.sha256(f"{sys.version_info[:2]}".encode())
        for file in files:
            digest.update(file.read_bytes())
        stamp, known = digest.hexdigest(), self.environment.done_for(extension.name)
        if known.get("stamp") == stamp:
            notes = known.get("notes")
            extension.notes += [str(note) for note in notes] if isinstance(notes, list) else []
            return
        if self._flags.skip_install:
            extension.notes.append("What it asks for is not installed: Easel was started with --skip-install.")
            return
        log.info("Installing what the extension %s asks for; see %s.", extension.name, self.environment.logs)
        failed = may_pass = False
        for file in files:
            if file.name == "install.py":
                report = self._run_install(extension, file)
            else:
                requirements, options = requirements_of(file)
                report = self.environment.install(requirements, asked_by=extension.name, options=options)
            extension.notes += report.notes
            failed, may_pass = failed or bool(report.failed), may_pass or report.may_pass
        if failed and not may_pass:
            extension.notes.append(TRIED_AGAIN)
        # Pip looks long for what is not there: that is not done at every start, unless only the network was missing.
        self.environment.note_done(extension.name, "" if may_pass else stamp, extension.notes, failed=failed)
        for note in extension.notes:
            log.warning("Extension %s: %s", extension.name, note)

    def _run_install(self, extension: Extension, file: Path) -> Report:
        """Run an install.py; what came of it. What it did to Easel's own packages, by whatever way, is said."""
        before = self.environment.versions_of_program()
        command = [*self.install_command, str(file)]
        reason = self.environment.run(command, extension.name, cwd=file.parent)
        if reason is not None and (missing := MISSING_MODULE.search(reason)) and self.offer(missing[1]):
            reason = self.environment.run(command, extension.name, cwd=file.parent)
        report = Report(failed=[f"install.py failed: {reason}"] if reason else [])
        report.kept += self.environment.remove_shadowed()
        after = self.environment.versions_of_program()
        changed = sorted(name for name in {*before, *after} if before.get(name) != after.get(name))
        if changed:
            report.failed.append(
                f"install.py has changed Easel's own packages ({', '.join(changed)}): remove the extension, and "
                "bring them back with `pip install -r requirements.lock`."
            )
        return report

    def offer(self, module: str) -> bool:
        """Install the package that brings a module which A1111's environment has. Whether it can be imported now."""
        top = module.partition(".")[0]
        package = OFFERED.get(top)
        if package is None or top in self._refused:
            return False
        name, stamp = f"{OFFER} {package}", f"{sys.version_info[:2]}"
        if self.environment.done_for(name).get("stamp") == stamp:
            log.warning("%s, which an extension imports, could not be installed before. %s", package, TRIED_AGAIN)
            self._refused.add(top)
            return False
        log.info("An extension imports %s; %s is installed for it.", top, package)
        report = self.environment.install([package], asked_by=OFFER)
        if report.failed:
            self._refused.add(top)
            if not report.may_pass:
                self.environment.note_done(name, stamp, report.notes, failed=True)
        return not report.failed

    @contextlib.contextmanager
    def timed(self, extension: Extension) -> Generator[None]:
        """What is done here counts as the extension's start-up time."""
        begun = time.perf_counter()
        try:
            yield
        finally:
            extension.seconds += time.perf_counter() - begun


def _folders(folder: Path) -> list[Path]:
    if not folder.is_dir():
        return []
    return sorted((path for path in folder.iterdir() if path.is_dir()), key=lambda path: path.name.lower())
