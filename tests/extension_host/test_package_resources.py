"""What extensions ask of pkg_resources."""

from __future__ import annotations

import importlib.metadata
import sys
from pathlib import Path

import pytest

from modules.extension_host import package_resources
from modules.extension_host.environment import Environment


def test_versions_of_what_is_installed_are_told_and_compared() -> None:
    version = importlib.metadata.version("pillow")
    found = package_resources.get_distribution("Pillow>=2")
    assert (found.key, found.version) == ("pillow", version)
    assert found.parsed_version > package_resources.parse_version("2.0.1")
    assert [each.key for each in package_resources.require(["pillow", "packaging>1"])] == ["pillow", "packaging"]
    assert package_resources.working_set.by_key["pillow"].version == version
    with pytest.raises(package_resources.DistributionNotFound, match="easel-test-nowhere"):
        package_resources.get_distribution("easel-test-nowhere")
    with pytest.raises(package_resources.VersionConflict, match=version):
        package_resources.require("pillow<2")


def test_lines_of_a_requirements_file_are_read_without_remarks_and_options() -> None:
    lines = "# remark\n--extra-index-url https://a.org\none==1  # why\n\ntwo[extra]>=2\n"
    assert [str(each) for each in package_resources.parse_requirements(lines)] == ["one==1", "two[extra]>=2"]


def test_an_install_script_may_import_it(tmp_path: Path) -> None:
    environment = Environment(tmp_path / "there", offline=True)
    code = "import pkg_resources; assert pkg_resources.get_distribution('torch').version"
    assert environment.run([sys.executable, "-c", code], "some") is None
