"""Training: noise schedule, averaging of workers, resuming, text encoder, autoencoder's start and normalisation."""

from __future__ import annotations

import json
import multiprocessing
import threading
from pathlib import Path

import numpy as np
import pytest
import torch

from starter_model import text, unet, vae
from starter_model.averaging import Meeting, flatten, unflatten
from starter_model.conditioning import token_row, used_tokens, weighted, with_strange_words
from starter_model.dataset import encode_pool, open_pool, pool_path
from starter_model.networks import Autoencoder, ModelShape, TextEncoder, TextShape, UNet, UNetShape, VaeShape
from starter_model.schedule import alphas_cumprod, loss_weight
from starter_model.text import HIDDEN_MEAN, QUESTIONS, Probe, answers, settle
from starter_model.tokens import END, POSITIONS, START, UNKNOWN, Words
from starter_model.world import scene_of_seed

TINY = ModelShape(
    unet=UNetShape(widths=(16, 16, 16, 16), context=8, heads=2, groups=2),
    vae=VaeShape(widths=(8, 8, 16, 16), groups=2),
    text=TextShape(width=8, layers=2, heads=2),
)


@pytest.fixture(autouse=True)
def _one_thread() -> None:
    torch.set_num_threads(1)


@pytest.fixture(scope="module")
def words() -> Words:
    return Words()


def make_workdir(folder: Path, words: Words) -> Path:
    """A work folder of tiny untrained networks with a pool of latents."""
    torch.manual_seed(0)
    folder.mkdir()
    (folder / "shape.json").write_text(json.dumps(TINY.as_dict()))
    encoder = TextEncoder(TINY.text)
    settle(encoder, torch.tensor([token_row((("a red circle", 1.0),), words)[0]]))
    known = used_tokens(words, 500)
    known[UNKNOWN] = True
    torch.save({"encoder": encoder.state_dict(), "known": known}, folder / "text.pt")
    torch.save(Autoencoder(TINY.vae).state_dict(), folder / "vae.pt")
    rng = np.random.default_rng(0)
    for pixels in (128, 256):
        latents = rng.standard_normal((6, 4, pixels // 8, pixels // 8)).astype(np.float16)
        np.save(pool_path(folder, pixels), latents)
    return folder


def _plan(**changes: object) -> unet.Plan:
    usual = {
        "steps": 6, "workers": 1, "warmup": 2, "meet_steps": 1, "batch": {128: 2, 256: 1},
        "mixture": ((0.0, {128: 1.0}), (0.5, {128: 0.5, 256: 0.5})),
    }  # fmt: skip
    return unet.Plan(**{**usual, **changes})


def test_the_schedule_is_that_of_stable_diffusion_1() -> None:
    alphas = alphas_cumprod()
    assert alphas.shape == (1000,)
    assert alphas[0].item() == pytest.approx(1 - 0.00085, abs=1e-6)
    sigma_max = ((1 - alphas[-1]) / alphas[-1]).sqrt().item()
    assert sigma_max == pytest.approx(14.6146, abs=1e-3)


def test_the_loss_weight_grows_with_noise() -> None:
    weights = loss_weight(alphas_cumprod())
    assert bool((weights.diff() >= 0).all())
    assert weights[-1] > 15


def test_flattening_and_writing_back_gives_the_same_weights() -> None:
    first, second = UNet(TINY.unet), UNet(TINY.unet)
    unflatten(flatten(first.parameters()), second.parameters())
    assert all(torch.equal(a, b) for a, b in zip(first.parameters(), second.parameters(), strict=True))


def test_workers_that_meet_leave_with_the_mean_of_their_weights() -> None:
    nets = [torch.nn.Linear(3, 2) for _ in range(3)]
    before = torch.stack([flatten(net.parameters()) for net in nets])
    meeting = Meeting.of(3, before.shape[1], 1, threading)
    told: dict[int, torch.Tensor] = {}

    def meet(rank: int) -> None:
        told[rank] = meeting.average(rank, nets[rank], [float(rank)])[1]

    threads = [threading.Thread(target=meet, args=(rank,)) for rank in range(3)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    for rank, net in enumerate(nets):
        assert torch.allclose(flatten(net.parameters()), before.mean(0))
        assert told[rank][:, 0].tolist() == [0.0, 1.0, 2.0]


def test_the_untrained_unet_takes_everything_for_noise() -> None:
    net = UNet(TINY.unet).eval()
    x = torch.randn(2, 4, 16, 16)
    with torch.no_grad():
        said = net(x, torch.tensor([10, 900]), torch.randn(2, 77, 8))
    scale = x.flatten(1).square().mean(1).rsqrt()[:, None, None, None]
    assert torch.allclose(said, x * scale, atol=1e-3)


def test_training_resumed_halfway_ends_with_the_very_weights_of_training_in_one_go(
    tmp_path: Path, words: Words
) -> None:
    whole, halves = (make_workdir(tmp_path / name, words) for name in ("whole", "halves"))
    unet.train(whole, _plan())
    unet.train(halves, _plan(pause_steps=3))
    paused = torch.load(halves / "unet.pt", weights_only=True)
    unet.train(halves, _plan())
    first, second = (torch.load(folder / "unet.pt", weights_only=True) for folder in (whole, halves))
    assert not torch.equal(paused["weights"], second["weights"])
    assert torch.equal(first["weights"], second["weights"])
    assert torch.equal(first["ema"], second["ema"])
    assert first["seen"] == second["seen"] > 6


def test_a_stop_file_ends_training_with_a_save(tmp_path: Path, words: Words, monkeypatch: pytest.MonkeyPatch) -> None:
    folder = make_workdir(tmp_path / "run", words)
    step = unet.rate_at

    def stop_at_third(progress: float, number: int, plan: unet.Plan) -> float:
        if number == 2:
            (folder / "stop").touch()
        return step(progress, number, plan)

    monkeypatch.setattr(unet, "rate_at", stop_at_third)
    unet.train(folder, _plan(steps=1000))
    assert torch.load(folder / "unet-worker0.pt", weights_only=False)["step"] == 3
    rows = (folder / "unet.csv").read_text().splitlines()
    assert rows[0].startswith("seconds,pictures,loss")
    assert len(rows) == 4


def test_the_rate_warms_up_then_falls_to_nothing() -> None:
    plan = _plan(warmup=10, rate=1.0)
    assert unet.rate_at(0.0, 0, plan) == pytest.approx(0.1)
    assert unet.rate_at(0.5, 100, plan) == pytest.approx(0.5)
    assert unet.rate_at(1.0, 200, plan) == pytest.approx(0.0)


def test_a_token_row_has_start_end_and_the_weights_of_its_words(words: Words) -> None:
    tokens, weights = token_row((("a", 1.0), ("red", 1.4), ("circle", 1.0)), words)
    assert len(tokens) == len(weights) == POSITIONS
    assert tokens[0] == START
    assert tokens[4:] == [END] * (POSITIONS - 4)
    assert weights[:4] == [1.0, 1.0, 1.4, 1.0]
    long, _ = token_row((("word " * 200, 1.0),), words)
    assert len(long) == POSITIONS
    assert long[-1] == END


def test_strange_words_are_added_without_losing_the_frame(words: Words) -> None:
    tokens, _ = token_row((("a red circle", 1.0),), words)
    strange = with_strange_words(tokens, np.random.default_rng(0))
    assert len(strange) == POSITIONS
    assert strange[0] == START
    assert strange[-1] == END
    assert [t for t in strange if t != UNKNOWN][:5] == tokens[:5]
    assert UNKNOWN in strange


def test_weighting_keeps_the_mean_of_the_hidden_states() -> None:
    hidden = torch.randn(2, 77, 8) - 0.15
    weights = torch.ones(2, 77)
    weights[0, 2] = 1.4
    out = weighted(hidden, weights)
    assert torch.allclose(out.mean((1, 2)), hidden.mean((1, 2)), atol=1e-5)
    assert torch.allclose(out[1], hidden[1])
    assert not torch.allclose(out[0, 2], hidden[0, 2])


def test_settled_hidden_states_have_their_mean_away_from_zero(words: Words) -> None:
    encoder = TextEncoder(TINY.text)
    rows = torch.tensor([token_row(((f"a {c} circle", 1.0),), words)[0] for c in ("red", "green", "blue")])
    settle(encoder, rows)
    hidden = encoder(rows)
    assert hidden.mean().item() == pytest.approx(HIDDEN_MEAN, abs=1e-4)
    assert hidden.std().item() == pytest.approx(1.0, abs=1e-3)


def test_questions_have_the_answers_of_the_scene_and_the_probe_has_one_output_per_answer() -> None:
    scene = scene_of_seed(0)
    said = dict(zip(QUESTIONS, answers(scene), strict=True))
    assert QUESTIONS["first"][said["first"]] == scene.figures[0].name
    assert QUESTIONS["background"][said["background"]] == scene.background
    logits, picture = Probe(8)(torch.randn(2, 77, 8))
    assert [x.shape[1] for x in logits] == [len(options) for options in QUESTIONS.values()]
    assert picture.shape == (2, 64, 3)


def test_the_text_encoder_learns_to_tell_scenes(tmp_path: Path, words: Words) -> None:
    (tmp_path / "shape.json").write_text(json.dumps(TINY.as_dict()))
    text.train(tmp_path, words, 60.0, batch=24, scenes=60, steps=200)
    rows = [line.split(",") for line in (tmp_path / "text.csv").read_text().splitlines()]
    assert rows[0][:3] == ["seconds", "step", "loss"]
    losses = [float(row[2]) for row in rows[1:]]
    assert len(losses) == 4
    assert losses[-1] < 0.75 * losses[0]
    saved = torch.load(tmp_path / "text.pt", weights_only=True)
    assert saved["known"].sum() < 400
    assert saved["known"][UNKNOWN]


def test_the_autoencoder_starts_as_a_coarse_copy_and_normalisation_changes_no_picture() -> None:
    torch.manual_seed(0)
    net = Autoencoder(VaeShape())
    pictures = vae.to_signed(torch.stack([vae.picture_tensor(seed, 64) for seed in range(12)]))
    vae.start_well(net, pictures)
    with torch.no_grad():
        before = net.decode(net.moments(pictures)[0])
        grey = pictures.mean((2, 3), keepdim=True)
        assert (before - pictures).abs().mean() < 0.6 * (grey - pictures).abs().mean()
        vae.normalise_latents(net, pictures)
        scaled = net.moments(pictures)[0] * Autoencoder.SCALE
        assert torch.allclose(scaled.mean((0, 2, 3)), torch.zeros(4), atol=1e-3)
        assert torch.allclose(scaled.std((0, 2, 3)), torch.ones(4), atol=1e-3)
        assert torch.allclose(net.decode(net.moments(pictures)[0]), before, atol=1e-3)


def test_a_pool_holds_the_latents_of_its_seeds(tmp_path: Path) -> None:
    net = Autoencoder(TINY.vae)
    (tmp_path / "shape.json").write_text(json.dumps(TINY.as_dict()))
    torch.save(net.state_dict(), tmp_path / "vae.pt")
    encode_pool(tmp_path, 128, 3, workers=1)
    pool = open_pool(tmp_path, 128)
    assert pool.latents.shape == (3, 4, 16, 16)
    picture = vae.to_signed(vae.picture_tensor(pool.first + 2, 128))[None]
    with torch.no_grad():
        wanted = net.moments(picture)[0][0] * Autoencoder.SCALE
    assert np.abs(pool.latents[2].astype(np.float32) - wanted.numpy()).max() < 0.05
    assert multiprocessing.active_children() == []
