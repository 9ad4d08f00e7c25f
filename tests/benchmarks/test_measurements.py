"""The benchmarks measure what they say, shown on a tiny checkpoint."""

from __future__ import annotations

import http.server
import json
import subprocess
import sys
import threading
from collections.abc import Iterator
from pathlib import Path

import pytest
import torch
from safetensors import safe_open
from torch import nn

from benchmarks import huge, startup
from benchmarks.__main__ import main
from benchmarks.clock import UnetClock
from benchmarks.random_checkpoint import TINY, write_random_checkpoint
from benchmarks.report import Spread, table
from modules.checkpoints.info import CheckpointInfo
from modules.checkpoints.load import load_checkpoint
from modules.hardware.device import HardwareOptions, choose_hardware
from modules.hardware.packing import use_packed_weights


@pytest.fixture(scope="module")
def checkpoint(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return write_random_checkpoint(tmp_path_factory.mktemp("models") / "tiny.safetensors", TINY)


def test_a_random_checkpoint_loads_as_a_trained_one_does(checkpoint: Path) -> None:
    hardware = choose_hardware(HardwareOptions(use_cpu=frozenset({"all"}), full_precision=True))
    loaded = load_checkpoint(CheckpointInfo(path=checkpoint, name=checkpoint.name), hardware)
    assert loaded.family.name == "SD1"
    assert tuple(loaded.unet.config["block_out_channels"]) == TINY.unet
    with torch.inference_mode():
        answer = loaded.unet(torch.randn(1, 4, 8, 8), torch.tensor([500]), torch.randn(1, 77, TINY.text_width))
    assert torch.isfinite(answer.sample).all()


def test_a_seed_gives_the_same_random_checkpoint_and_another_seed_another(checkpoint: Path, tmp_path: Path) -> None:
    again = write_random_checkpoint(tmp_path / "again.safetensors", TINY)
    other = write_random_checkpoint(tmp_path / "other.safetensors", TINY, seed=1)
    assert again.read_bytes() == checkpoint.read_bytes()
    assert other.read_bytes() != checkpoint.read_bytes()


def test_the_rival_computes_on_the_same_tensors_with_its_own_attention(checkpoint: Path) -> None:
    from benchmarks.rivals import same_weights_pipeline

    hardware = choose_hardware(HardwareOptions(use_cpu=frozenset({"all"})))
    loaded = load_checkpoint(CheckpointInfo(path=checkpoint, name=checkpoint.name), hardware)
    use_packed_weights(loaded.unet, hardware)
    rival = same_weights_pipeline(loaded).unet
    ours = dict(loaded.unet.named_parameters())
    assert all(parameter.data_ptr() == ours[name].data_ptr() for name, parameter in rival.named_parameters())
    assert {type(processor).__name__ for processor in rival.attn_processors.values()} == {"AttnProcessor2_0"}
    assert not any(type(layer).__module__.startswith("modules.") for layer in rival.modules())
    assert {tensor.stride() for tensor in rival.parameters()} == {tensor.stride() for tensor in ours.values()}


def test_the_full_size_is_that_of_stable_diffusion_1_5() -> None:
    from benchmarks.random_checkpoint import SD15, _text_encoder, _unet, _vae

    def count(tensors: Iterator[tuple[str, tuple[int, ...]]]) -> int:
        return sum(torch.Size(shape).numel() for _, shape in tensors)

    assert count(_unet(SD15)) == 859_520_964
    assert count(_vae(SD15)) == 83_653_863
    assert count(_text_encoder(SD15)) == 123_060_480


def test_a_random_checkpoint_is_stored_in_float16(checkpoint: Path) -> None:
    with safe_open(checkpoint, "pt") as file:
        assert {file.get_tensor(key).dtype for key in file.keys()} == {torch.float16}  # noqa: SIM118


def test_the_clock_tells_the_network_from_what_is_around_it() -> None:
    network = nn.Identity()
    with UnetClock(network, torch.device("cpu")) as clock:
        clock._mark = iter([10.0, 13.0, 14.0, 17.0]).__next__
        network(torch.zeros(1))
        network(torch.zeros(1))
        reading = clock.read()
    assert (reading.calls, reading.total, reading.inside) == (2, 7.0, 6.0)
    assert reading.outside_share == pytest.approx(1 / 7)
    with UnetClock(network, torch.device("cpu")) as clock, pytest.raises(RuntimeError, match="never called"):
        clock.read()


def test_a_clock_that_was_left_hears_nothing_more() -> None:
    network = nn.Identity()
    with UnetClock(network, torch.device("cpu")):
        pass
    assert not network._forward_hooks
    assert not network._forward_pre_hooks


def test_a_spread_has_least_median_and_greatest() -> None:
    spread = Spread.of([3.0, 1.0, 2.0, 10.0])
    assert spread.as_dict() == {"min": 1.0, "median": 2.5, "max": 10.0, "count": 4}
    assert spread.show(1, "s") == "1.0 / 2.5 / 10.0 s"


def test_a_table_is_aligned_markdown() -> None:
    assert table(["a", "bb"], [["long", "1"]]).splitlines() == ["| a    | bb |", "|------|----|", "| long | 1  |"]


# diffusers' scheduler makes an array of a tensor in a way that numpy will not take for ever.
@pytest.mark.filterwarnings("ignore:__array__ implementation:DeprecationWarning")
def test_easel_and_diffusers_draw_the_same_picture_and_are_compared(
    checkpoint: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    arguments = ["sd15", "--checkpoint", str(checkpoint), "--size", "64", "--steps", "3", "--rounds", "2"]
    assert main([*arguments, "--results", str(tmp_path), "--flags", "--use-cpu all --no-half"]) == 0
    [path] = tmp_path.glob("sd15-*.json")
    written = json.loads(path.read_text(encoding="utf-8"))
    contestants = written["result"]["contestants"]
    assert written["machine"]["versions"]["torch"] == torch.__version__.split("+")[0]
    assert written["result"]["unet_type"] == "float32"
    for name, values in contestants.items():
        assert values["seconds_per_step"]["count"] == 2
        assert 0 < values["seconds_per_step"]["min"] * 3 < values["seconds_per_picture"]["max"]
        if name != "Easel":
            assert values["times_easel_per_step"]["min"] > 0
            assert values["same_picture_db"] > 40
    assert len(contestants) == 3
    assert "s per step" in capsys.readouterr().out


def test_memory_is_measured_in_a_process_of_its_own(checkpoint: Path, tmp_path: Path) -> None:
    arguments = ["memory", "--checkpoint", str(checkpoint), "--size", "64", "--steps", "1", "--rounds", "2"]
    assert main([*arguments, "--results", str(tmp_path), "--flags", "--use-cpu all"]) == 0
    [path] = tmp_path.glob("memory-*.json")
    for peaks in json.loads(path.read_text(encoding="utf-8"))["result"]["contestants"].values():
        assert 50e6 < peaks["imported"] <= peaks["loaded"] <= peaks["first picture"] <= peaks["last picture"]


def test_an_unknown_benchmark_is_refused(capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit) as refusal:
        main(["speed"])
    assert refusal.value.code == 2
    assert "there is no benchmark 'speed'" in capsys.readouterr().err


@pytest.fixture
def page(free_port: int) -> Iterator[str]:
    class Handler(http.server.BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            self.send_response(200)
            self.end_headers()
            self.wfile.write(b"<div id=txt2img_prompt></div>")

        def log_message(self, format: str, *args: object) -> None:
            pass

    with http.server.ThreadingHTTPServer(("127.0.0.1", free_port), Handler) as server:
        threading.Thread(target=server.serve_forever, daemon=True).start()
        yield f"http://127.0.0.1:{free_port}/"
        server.shutdown()


@pytest.fixture
def sleeper() -> Iterator[subprocess.Popen[bytes]]:
    with subprocess.Popen([sys.executable, "-c", "input()"], stdin=subprocess.PIPE) as process:
        yield process
        process.kill()


def test_a_start_counts_only_when_the_page_holds_its_elements(
    page: str, sleeper: subprocess.Popen[bytes], tmp_path: Path
) -> None:
    log = tmp_path / "log.txt"
    log.touch()
    assert startup.wait_for(page, ("txt2img_prompt",), sleeper, log) > 0
    with pytest.raises(SystemExit, match="without txt2img_generate"):
        startup.wait_for(page, ("txt2img_prompt", "txt2img_generate"), sleeper, log)


def test_a_start_that_ends_early_is_reported_with_its_last_words(free_port: int, tmp_path: Path) -> None:
    log = tmp_path / "log.txt"
    log.write_text("Easel cannot start: no reason\n", encoding="utf-8")
    with subprocess.Popen([sys.executable, "-c", "raise SystemExit(3)"]) as process:
        process.wait()
        with pytest.raises(SystemExit, match=r"exit code 3\.\nEasel cannot start: no reason"):
            startup.wait_for(f"http://127.0.0.1:{free_port}/", (), process, log)


@pytest.mark.parametrize("way", huge.WAYS)
def test_huge_pictures_are_measured_both_ways(way: str, tmp_path: Path) -> None:
    huge.prepare(tmp_path, 256)
    values = huge.enlarge(way, tmp_path)
    assert values["size"] == [256, 256]
    assert 0 < values["idle"] <= values["peak"]
    assert "above idle" in huge.show({"side": 256, "ways": {way: values}})


def test_the_catalogue_is_measured_over_real_starts() -> None:
    from benchmarks import catalogue

    result = catalogue.measure(1, lambda _: None, files=30)
    assert result["first"]["count"]["median"] == result["second"]["count"]["median"] == 30
    assert "30 LoRA files" in catalogue.show(result)
