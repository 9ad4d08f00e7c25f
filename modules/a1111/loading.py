"""Loading scripts: each .py file of a `scripts` folder becomes a module, and its classes are found in it."""

from __future__ import annotations

import argparse
import contextlib
import importlib.util
import inspect
import logging
import sys
from collections.abc import Generator, Sequence
from importlib.machinery import ModuleSpec, PathFinder, SourceFileLoader
from pathlib import Path
from types import ModuleType
from typing import TYPE_CHECKING, cast

from modules.a1111.gradio3.importing import globals_for
from modules.a1111.script import Script, ScriptClassData, ScriptFile
from modules.a1111.scripts_postprocessing import ScriptPostprocessing
from modules.extension_host.extension import Extension
from modules.extension_host.order import ordered

if TYPE_CHECKING:
    from modules.a1111.dialect import A1111Dialect

log = logging.getLogger(__name__)


class ExtensionLoader(SourceFileLoader):
    """Runs a file of an extension with the extension's own imports."""

    def __init__(self, fullname: str, path: str, owner: str) -> None:
        super().__init__(fullname, path)
        self.owner = owner

    def exec_module(self, module: ModuleType) -> None:
        """Run the file."""
        vars(module).update(globals_for(self.owner))
        super().exec_module(module)


class ExtensionFinder:
    """Finds modules below extensions' folders, which are on sys.path, and has them run as theirs."""

    def __init__(self) -> None:
        self.roots: dict[str, str] = {}

    def find_spec(
        self, fullname: str, path: Sequence[str] | None = None, target: ModuleType | None = None
    ) -> ModuleSpec | None:
        """A module whose file lies below one of the folders, or none."""
        if not self.roots:
            return None
        spec = PathFinder.find_spec(fullname, path, target)
        origin = spec.origin if spec is not None else None
        if spec is None or origin is None or not origin.endswith(".py"):
            return None
        owner = next((owner for root, owner in self.roots.items() if origin.startswith(root)), None)
        if owner is None:
            return None
        return importlib.util.spec_from_file_location(
            fullname,
            origin,
            loader=ExtensionLoader(fullname, origin, owner),
            submodule_search_locations=spec.submodule_search_locations,
        )


class ScriptLoader:
    """Loads scripts and remembers what it has put into the process, to take it out again."""

    def __init__(self, dialect: A1111Dialect) -> None:
        self._dialect = dialect
        self._finder = ExtensionFinder()
        self._modules: list[str] = []
        self._paths: list[str] = []
        self.current_basedir: str | None = None
        self.basedirs: dict[str, str] = {}

    def load_extension(self, extension: Extension) -> None:
        """Load the scripts of an extension. One of which no file can be loaded is switched off for this run."""
        host = self._dialect.app.extensions
        self._begin(extension.name, extension.root)
        # An empty one only says that the folder is a package; others register samplers and the like.
        files = [
            file for file in extension.files("scripts", ".py") if file.name != "__init__.py" or file.stat().st_size
        ]
        metadata = extension.metadata
        files = ordered(
            files,
            lambda file: file.name.lower(),
            lambda file: metadata.files_before.get(file.name.lower(), ()),
            lambda file: metadata.files_after.get(file.name.lower(), ()),
        )
        with host.timed(extension):
            loaded = [self.load_file(extension.name, file, extension.root) for file in files]
        if loaded and not any(loaded):
            host.switch_off(extension, "its scripts cannot be loaded; see its errors.")
            self._forget(extension.root)
        # While its scripts are loaded an extension's own modules come first, afterwards they come last.
        self._last(str(extension.root))

    def preload(self, extensions: Sequence[Extension], parser: argparse.ArgumentParser) -> None:
        """Let extensions add their flags: `preload(parser)` in their preload.py."""
        for extension in extensions:
            file = extension.root / "preload.py"
            if not file.is_file():
                continue
            with self._in(extension.root):
                loader = ExtensionLoader(f"preload of {extension.name}", str(file), extension.name)
                spec = importlib.util.spec_from_file_location(loader.name, file, loader=loader)
                assert spec is not None
                module = importlib.util.module_from_spec(spec)
                try:
                    loader.exec_module(module)
                    if hasattr(module, "preload"):
                        module.preload(parser)
                except (Exception, SystemExit) as error:  # the boundary of an extension
                    log.exception("preload.py of %s failed", extension.name)
                    self._dialect.failed(str(file), f"preload.py failed: {error}")

    def _forget(self, root: Path) -> None:
        self._dialect.callbacks.remove_of_file(str(root))

    def _last(self, path: str) -> None:
        with contextlib.suppress(ValueError):
            sys.path.remove(path)
            sys.path.append(path)

    def load_folder(self, owner: str, root: Path) -> None:
        """Load every .py file of `root`/scripts (or of `root` itself, where that is the program's own folder)."""
        folder = _scripts_folder(root)
        if not folder.is_dir():
            return
        self._begin(owner, root)
        for file in sorted(folder.glob("*.py"), key=lambda path: path.name.lower()):
            if file.name != "__init__.py":
                self.load_file(owner, file, root)

    def _begin(self, owner: str, root: Path) -> None:
        if self._finder not in sys.meta_path:
            sys.meta_path.insert(0, self._finder)
        self._finder.roots[f"{root.absolute()}/"] = owner
        self._scripts_of(root)
        if str(root) not in sys.path:
            sys.path.insert(0, str(root))
            self._paths.append(str(root))

    def _scripts_of(self, root: Path) -> None:
        """`scripts` is one package over all extensions, whether or not one of them has an __init__.py in it."""
        package = sys.modules.get("scripts")
        if package is None or not isinstance(getattr(package, "__path__", None), list):
            package = ModuleType("scripts")
            package.__path__ = []
            sys.modules["scripts"] = package
            self._modules.append("scripts")
        folder = str(_scripts_folder(root))
        if folder not in package.__path__:
            cast(list[str], package.__path__).append(folder)

    def load_file(self, owner: str, file: Path, root: Path) -> ModuleType | None:
        """Load one file under its bare name, as A1111 does; one that fails is named and left out."""
        with self._in(root):
            loader = ExtensionLoader(file.name, str(file), owner)
            spec = importlib.util.spec_from_file_location(file.name, file, loader=loader)
            assert spec is not None
            module = importlib.util.module_from_spec(spec)
            # Under its bare name, with the suffix: `from __main__`-like look-ups and pickles find it there.
            sys.modules[file.name] = module
            self._modules.append(file.name)
            try:
                loader.exec_module(module)
            except (Exception, SystemExit) as error:  # the boundary of an extension
                log.exception("%s of %s could not be loaded", file, owner)
                self._dialect.failed(str(file), f"could not be loaded: {type(error).__name__}: {error}")
                self._dialect.callbacks.remove_of_file(str(file))
                return None
            self._register(module, file, root)
            return module

    def module_of(self, file: Path) -> ModuleType:
        """A file of an extension as a module, without its classes being looked at. Raises what the file raises."""
        root, owner = next(
            ((root, owner) for root, owner in self._finder.roots.items() if str(file).startswith(root)),
            (str(file.parent), file.parent.name),
        )
        spec = importlib.util.spec_from_file_location(
            file.name, file, loader=ExtensionLoader(file.name, str(file), owner)
        )
        assert spec is not None
        assert spec.loader is not None
        module = importlib.util.module_from_spec(spec)
        with self._in(Path(root)):
            spec.loader.exec_module(module)
        return module

    def _register(self, module: ModuleType, file: Path, root: Path) -> None:
        for kind in vars(module).values():
            if not inspect.isclass(kind) or not (kind.__module__ == module.__name__ or self._is_brought_along(kind)):
                continue
            if issubclass(kind, Script):
                self._dialect.scripts_data.append(ScriptClassData(kind, str(file), str(root), module))
            elif issubclass(kind, ScriptPostprocessing):
                self._dialect.postprocessing_data.append(ScriptClassData(kind, str(file), str(root), module))

    def _is_brought_along(self, kind: type) -> bool:
        """Whether a class that a script imports is of an extension's own modules; scripts are registered themselves."""
        origin = getattr(sys.modules.get(kind.__module__), "__file__", None) or ""
        root = next((root for root in self._finder.roots if origin.startswith(root)), None)
        return root is not None and Path(origin).parent != _scripts_folder(Path(root))

    @contextlib.contextmanager
    def _in(self, root: Path) -> Generator[None]:
        before, self.current_basedir = self.current_basedir, str(root)
        try:
            yield
        finally:
            self.current_basedir = before

    def basedir(self) -> str:
        """The folder of the extension whose file is being loaded, or whose code asks."""
        if self.current_basedir is not None:
            return self.current_basedir
        frame = inspect.currentframe()
        while frame is not None:
            file = frame.f_code.co_filename
            for root in self._finder.roots:
                if file.startswith(root):
                    return root.rstrip("/")
            frame = frame.f_back
        return str(self._dialect.app.paths.data)

    def file_of(self, error: BaseException) -> str | None:
        """The file of an extension in whose code `error` was raised, the innermost; None where it was in none."""
        found, trace = None, error.__traceback__
        while trace is not None:
            file = trace.tb_frame.f_code.co_filename
            if any(file.startswith(root) for root in self._finder.roots):
                found = file
            trace = trace.tb_next
        return found

    def files(self, folder: str, suffix: str) -> list[ScriptFile]:
        """Files with this suffix in the extensions' folders of this name."""
        found: list[ScriptFile] = []
        for root in self._finder.roots:
            files = sorted(Path(root).joinpath(folder).glob(f"*{suffix}"), key=lambda path: path.name.lower())
            found += [ScriptFile(root.rstrip("/"), file.name, str(file)) for file in files]
        return found

    def unload(self) -> None:
        """Take modules, paths and the finder out again."""
        for name in self._modules:
            sys.modules.pop(name, None)
        for name, module in list(sys.modules.items()):
            origin = getattr(module, "__file__", None) or ""
            if any(origin.startswith(root) for root in self._finder.roots):
                sys.modules.pop(name, None)
        for path in self._paths:
            with contextlib.suppress(ValueError):
                sys.path.remove(path)
        with contextlib.suppress(ValueError):
            sys.meta_path.remove(self._finder)
        self._finder.roots.clear()


def _scripts_folder(root: Path) -> Path:
    """Where an owner's scripts lie: the program's own lie in its folder itself."""
    return root / "scripts" if (root / "scripts").is_dir() else root
