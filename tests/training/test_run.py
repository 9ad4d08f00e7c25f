"""Trainings of every kind, from options to a file that Easel uses."""

from __future__ import annotations

import csv
import errno
from pathlib import Path
from typing import Any

import pytest
import torch
from PIL import Image
from safetensors.torch import load_file

from modules.foundation.errors import RequestError, SaveError
from modules.generation.progress import RunControl
from modules.networks.create_hypernetwork import Structure, create_hypernetwork
from modules.networks.describe import describe_lora
from modules.networks.file import check_fit, read_network
from modules.networks.hypernetwork import read_hypernetwork
from modules.networks.keys import ModuleIndex
from modules.text_encoders.create_embedding import create_embedding
from modules.text_encoders.embedding_files import read_embedding
from modules.training.state import state_file
from modules.training.trainer import TrainingDivergedError
from tests.tiny_models import Family
from tests.training.conftest import School, put_pictures


def new_embedding(school: School, name: str = "word", vectors: int = 2) -> Path:
    model = school.app.engine.load(school.app.catalogue.find("tiny"))
    path = create_embedding(
        school.app.paths.embeddings, name, model.text_encoder.encoders, vectors=vectors, init_text="cat"
    )
    school.app.engine.embeddings.refresh()
    return path


@pytest.mark.parametrize("family", ["sd1", "sd2-v", "sdxl"])
def test_an_embedding_learns_and_the_checkpoint_stays_bit_for_bit(tmp_path: Path, family: Family) -> None:
    school = School(tmp_path, family)
    try:
        path = new_embedding(school)
        before, began = school.weights(), read_embedding(path)
        result = school.train(school.options("embedding", "word", dataset={"template": ["a [name], [filewords]"]}))
        after, learned = school.weights(), read_embedding(path)
        assert began is not None
        assert learned is not None
        assert result.path == path
        assert result.step == 4
        assert all(torch.equal(before[key], after[key]) for key in before)
        assert began.tensors.keys() == learned.tensors.keys()
        for key in learned.tensors:
            assert not torch.equal(began.tensors[key], learned.tensors[key])
            assert learned.tensors[key].isfinite().all()
        if family != "sdxl":
            assert learned.step == 4
            assert learned.checkpoint_name == "tiny"
    finally:
        school.app.close()


@pytest.mark.parametrize("family", ["sd1", "sd2-v", "sdxl"])
@pytest.mark.parametrize("conv_rank", [0, 2])
def test_a_lora_learns_and_fits_the_model_layer_by_layer(tmp_path: Path, family: Family, conv_rank: int) -> None:
    school = School(tmp_path, family)
    try:
        before = school.weights()
        lora = {"rank": 2, "alpha": 1, "conv_rank": conv_rank, "text_encoder": True, "dropout": 0.1}
        result = school.train(
            school.options(lora=lora, steps={"gradient_checkpointing": True, "noise_offset": 0.1, "min_snr_gamma": 5})
        )
        after = school.weights()
        assert all(torch.equal(before[key], after[key]) for key in before)
        school.app.networks.refresh()
        info = school.app.networks.find("lora", "new")
        assert info is not None
        network = read_network(info)
        model = school.app.engine.model
        assert model is not None
        index = ModuleIndex(model.checkpoint.unet, model.checkpoint.text_models)
        check_fit(network, index, model.checkpoint.family.name)
        assert all(index.find(layer) is not None for layer in network.layers)
        parts = {layer.part for layer in network.layers}
        assert parts == ({"unet", "te1", "te2"} if family == "sdxl" else {"unet", "te"})
        tensors = load_file(result.path)
        assert any(tensor.any() for name, tensor in tensors.items() if name.endswith("lora_up.weight"))
        assert any(tensor.ndim == 4 and tensor.shape[-1] == 3 for tensor in tensors.values()) is bool(conv_rank)
        assert describe_lora(result.path).family == model.checkpoint.family.name
    finally:
        school.app.close()


@pytest.mark.parametrize("dropout", [(), (0.0, 0.3, 0.0)])
@pytest.mark.parametrize("activation", ["linear", "relu"])
def test_a_hypernetwork_learns_and_is_read_again(school: School, dropout: tuple[float, ...], activation: str) -> None:
    path = school.app.paths.hypernetworks / "hyper.pt"
    structure = Structure(sizes=(320, 640), activation=activation, layer_norm=True, dropout=dropout)
    create_hypernetwork(path, structure)
    # The tiny model's widths are none of the usual ones.
    content = torch.load(path)
    small = Structure.__new__(Structure)
    for name, value in {**vars(structure), "sizes": (48, 32, 64)}.items():
        object.__setattr__(small, name, value)
    create_hypernetwork(path, small)
    assert content["layer_structure"] == [1, 2, 1]
    school.app.networks.refresh()
    before = school.weights()
    info = school.app.networks.find("hypernet", "hyper")
    assert info is not None
    began = read_hypernetwork(info)
    result = school.train(school.options("hypernetwork", "hyper", steps={"steps": 3}))
    assert result.step == 3
    learned = read_hypernetwork(info)
    assert all(torch.equal(before[key], value) for key, value in school.weights().items())
    changed = [
        not torch.equal(old, new)
        for size in began.layers
        for a, b in zip(began.layers[size], learned.layers[size], strict=True)
        for old, new in zip(a.state_dict().values(), b.state_dict().values(), strict=True)
    ]
    assert sum(changed) > len(changed) / 2
    assert torch.load(path)["step"] == 3


class StopAt(RunControl):
    """Asks to stop once so many steps are done."""

    def __init__(self, step: int) -> None:
        super().__init__()
        self._stop = step

    def at_step(self, step: int) -> None:
        super().at_step(step)
        if step == self._stop:
            self.interrupt()


@pytest.mark.parametrize("curve", ["constant", "cosine"])
def test_an_interrupted_training_goes_on_to_the_same_file(school: School, curve: str) -> None:
    parts: dict[str, Any] = {
        "steps": {"steps": 6, "curve": curve, "warmup": 2, "batch_size": 2},
        "lora": {"rank": 2, "dropout": 0.2},
        "dataset": {"latent_sampling": "random", "shuffle_tags": True, "tag_dropout": 0.3},
    }
    whole = school.train(school.options(name="whole", **parts))
    options = school.options(name="halves", **parts)
    first = school.train(options, StopAt(3))
    assert first.interrupted
    assert first.step == 3
    assert first.path.is_file()
    assert state_file(first.path).is_file()
    second = school.train(options)
    assert second.step == 6
    assert not state_file(second.path).exists()
    one, other = load_file(whole.path), load_file(second.path)
    assert one.keys() == other.keys()
    assert all(torch.equal(one[key], other[key]) for key in one)


def test_copies_losses_and_sample_pictures_are_kept_on_the_way(school: School) -> None:
    new_embedding(school)
    school.app.settings.change({"training_write_csv_every": 1})
    preview = {"steps": 2, "width": 64, "height": 64, "seed": 1, "sampler": "Euler"}
    output = {"save_every": 2, "preview_every": 2, "picture_cards": True, "log_folder": "log", "preview": preview}
    control = RunControl()
    result = school.train(school.options("embedding", "word", output=output), control)
    assert result.warnings == ()
    (day,) = (school.data / "log").iterdir()
    folder = day / "word"
    assert {path.name for path in (folder / "embeddings").iterdir()} == {"word-2.pt"}
    assert {path.name for path in (folder / "images").iterdir()} == {"word-2.png", "word-4.png"}
    table = (folder / "textual_inversion_loss.csv").read_text("utf-8")
    rows = list(csv.DictReader(table.splitlines()))
    assert [row["step"] for row in rows] == ["1", "2", "3", "4"]
    assert float(rows[-1]["loss"]) == pytest.approx(result.loss, abs=1e-6)
    assert len(list(folder.glob("settings-*.json"))) == 1
    card = read_embedding(folder / "image_embeddings" / "word-4.png")
    saved = read_embedding(result.path)
    assert card is not None
    assert saved is not None
    assert torch.allclose(card.tensors[""], saved.tensors[""])
    assert control.preview[0] == 2


def test_one_broken_picture_is_named_and_the_others_are_learned_from(school: School) -> None:
    whole = (school.pictures / "00.png").read_bytes()
    (school.pictures / "cut off.png").write_bytes(whole[: len(whole) // 2])
    (school.pictures / "no picture.png").write_bytes(b"nothing of the kind")
    result = school.train(school.options())
    assert result.step == 4
    assert len(result.warnings) == 2
    assert any("cut off.png" in warning for warning in result.warnings)
    assert any("no picture.png" in warning for warning in result.warnings)


def test_a_folder_without_pictures_is_named(school: School) -> None:
    empty = school.data / "empty"
    empty.mkdir()
    with pytest.raises(RequestError, match="no picture to learn from"):
        school.train(school.options(dataset={"folder": empty}))
    with pytest.raises(RequestError, match="not a folder"):
        school.train(school.options(dataset={"folder": school.data / "absent"}))


def test_captions_are_read_in_other_encodings(school: School) -> None:
    (school.pictures / "00.txt").write_bytes("größe, rot".encode("utf-16"))
    (school.pictures / "01.txt").write_bytes("größe, blau".encode("latin-1"))
    assert school.train(school.options()).step == 4


def test_a_loss_that_is_no_number_stops_and_keeps_the_last_good_file(school: School) -> None:
    options = school.options(output={"save_every": 1}, steps={"steps": 3, "learning_rate": "1e-3:2, 1e30"})
    with pytest.raises(TrainingDivergedError, match=r"lower learning rate.*after step \d+ is kept"):
        school.train(options.model_copy(update={"steps": options.steps.model_copy(update={"steps": 40})}))
    school.app.networks.refresh()
    state = torch.load(state_file(school.app.paths.lora / "new.safetensors"))
    assert all(tensor.isfinite().all() for tensor in state["tensors"].values())


def test_a_name_that_is_taken_is_refused_until_overwriting_is_asked_for(school: School) -> None:
    school.train(school.options())
    with pytest.raises(RequestError, match="already"):
        school.train(school.options())
    assert school.train(school.options(output={"overwrite": True})).step == 4


def test_a_disk_that_fills_loses_nothing_that_was_saved(school: School, monkeypatch: pytest.MonkeyPatch) -> None:
    def fail(path: Path) -> None:
        raise OSError(errno.ENOSPC, "No space left on device", str(path))

    monkeypatch.setattr("modules.training.lora.atomic_write", fail)
    path = school.app.paths.lora / "new.safetensors"
    with pytest.raises(SaveError, match="No space left"):
        school.train(school.options())
    assert not path.exists()


def test_weights_from_alpha_change_what_is_learned(school: School) -> None:
    for path in school.pictures.glob("*.png"):
        picture = Image.open(path).convert("RGBA")
        alpha = Image.new("L", picture.size, 255)
        alpha.paste(0, (0, 0, 32, 64))
        picture.putalpha(alpha)
        picture.save(path)
    plain = school.train(school.options(name="plain"))
    weighted = school.train(school.options(name="weighted", dataset={"weights_from_alpha": True}))
    assert plain.loss != weighted.loss


def test_trained_steps_are_not_trained_again(school: School) -> None:
    new_embedding(school)
    assert school.train(school.options("embedding", "word")).step == 4
    again = school.train(school.options("embedding", "word"))
    assert again.loss is None
    assert "4 steps already" in again.warnings[0]
    assert school.train(school.options("embedding", "word", steps={"steps": 6})).step == 6


def test_buckets_and_repeats_and_own_sizes_are_trained(school: School) -> None:
    put_pictures(school.data / "many" / "3_a cat", 1, (96, 48))
    put_pictures(school.data / "many" / "b", 1, (48, 96))
    for fit in ("buckets", "own"):
        dataset = {"folder": school.data / "many", "fit": fit, "width": 128, "height": 128, "flip": True}
        result = school.train(school.options(name=fit, dataset=dataset, steps={"batch_size": 2}))
        assert result.step == 4


def test_a_state_of_other_settings_is_not_gone_on_with(school: School) -> None:
    school.train(school.options(name="mine"), StopAt(2))
    faster = {"learning_rate": "1e-2"}
    with pytest.raises(RequestError, match="already"):
        school.train(school.options(name="mine", steps=faster))
    alone = school.train(school.options(name="alone", steps=faster))
    anew = school.train(school.options(name="mine", output={"overwrite": True}, steps=faster))
    one, again = load_file(alone.path), load_file(anew.path)
    assert all(torch.equal(one[key], again[key]) for key in one)


def test_sample_pictures_with_other_networks_leave_the_checkpoint_as_it_was(school: School) -> None:
    school.train(school.options(name="other", steps={"learning_rate": "0.1"}))
    school.app.networks.refresh()
    before = school.weights()
    preview = {"prompt": "a cat <lora:other:1>", "steps": 1, "width": 64, "height": 64, "sampler": "Euler"}
    output = {"preview_every": 2, "save_every": 0, "preview": preview}
    result = school.train(school.options(name="new", output=output, steps={"precision": "bf16"}))
    assert result.warnings == ()
    after = school.weights()
    assert all(torch.equal(before[key], after[key]) and before[key].dtype == after[key].dtype for key in before)
