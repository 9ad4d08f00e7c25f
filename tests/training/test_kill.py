"""A training that is killed goes on from its last saved step and ends with the same file."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest

from modules.training.state import state_file
from tests import warm_start
from tests.tiny_models import make_tiny_sd1
from tests.training.conftest import put_pictures

ROOT = Path(__file__).parents[2]
PROGRAM = """
import sys
from pathlib import Path
import torch
torch.set_num_threads(1)
from modules.application.application import Application
from modules.application.training import submit_training
from modules.settings.flags import parse_flags
from modules.training.options import TrainingOptions

app = Application(parse_flags(["--data-dir", sys.argv[1], "--no-half", "--use-cpu", "all", "--no-hashing"]))
options = TrainingOptions.model_validate_json(sys.argv[2])
print("begun", flush=True)
result = submit_training(app, options).wait()
print(result.step, flush=True)
app.close()
"""


def start(data: Path, steps: int) -> subprocess.Popen[str]:
    asked = (
        '{"kind": "lora", "name": "mine", "checkpoint": "tiny", "lora": {"rank": 2, "dropout": 0.1},'
        f' "dataset": {{"folder": "{data}/pictures", "width": 64, "height": 64, "latent_sampling": "random"}},'
        f' "steps": {{"steps": {steps}, "learning_rate": "1e-3", "curve": "cosine", "batch_size": 2}},'
        ' "output": {"save_every": 3}}'
    )
    environment = {**os.environ, "OMP_NUM_THREADS": "1"}
    command = [sys.executable, "-c", PROGRAM, str(data), asked]
    return warm_start.popen(command, cwd=ROOT, env=environment, stdout=subprocess.PIPE, stderr=None, text=True)


def prepared(folder: Path) -> Path:
    make_tiny_sd1(folder / "models" / "Stable-diffusion" / "tiny.safetensors")
    put_pictures(folder / "pictures")
    return folder


@pytest.mark.skipif(not hasattr(signal, "SIGKILL"), reason="There is no SIGKILL on this system.")
def test_a_killed_training_ends_with_the_file_of_an_undisturbed_one(tmp_path: Path) -> None:
    whole, killed = prepared(tmp_path / "whole"), prepared(tmp_path / "killed")
    undisturbed = start(whole, 40)
    running = start(killed, 40)
    file = killed / "models" / "Lora" / "mine.safetensors"
    while not state_file(file).exists():
        assert running.poll() is None
        time.sleep(0.02)
    running.kill()
    running.communicate()
    assert not file.exists()
    assert undisturbed.communicate()[0].split()[-1] == "40"
    again = start(killed, 40)
    assert again.communicate()[0].split()[-1] == "40"
    assert file.read_bytes() == (whole / "models" / "Lora" / "mine.safetensors").read_bytes()
    assert not state_file(file).exists()
