from __future__ import annotations

import pickle
from pathlib import Path
from typing import Any

import pytest
import torch
from torch import Tensor, nn

from modules.foundation.errors import NetworkError
from modules.networks.hypernetwork import ACTIVATIONS, Hypernetwork, hypernetworks, read_hypernetwork
from modules.networks.info import NetworkInfo
from tests.networks.conftest import Parts, randn

WIDTH = 48


def linear(out: int, into: int, seed: int) -> tuple[Tensor, Tensor]:
    return randn(out, into, seed=seed) / into**0.5, randn(out, seed=seed + 50) * 0.1


def write(path: Path, tensors: dict[str, Tensor], other: dict[str, Tensor] | None = None, **table: Any) -> NetworkInfo:
    torch.save({WIDTH: (tensors, tensors if other is None else other), "name": path.stem, **table}, path)
    return NetworkInfo(path=path, folder=path.parent, kind="hypernet")


def two_layers(seed: int = 1) -> dict[str, Tensor]:
    (w1, b1), (w2, b2) = linear(96, WIDTH, seed), linear(WIDTH, 96, seed + 1)
    return {"linear.0.weight": w1, "linear.0.bias": b1, "linear.2.weight": w2, "linear.2.bias": b2}


def by_hand(tensors: dict[str, Tensor], x: Tensor, activation: Any) -> Tensor:
    hidden = activation(x @ tensors["linear.0.weight"].T + tensors["linear.0.bias"])
    return hidden @ tensors["linear.2.weight"].T + tensors["linear.2.bias"]


@pytest.mark.parametrize("name", [name for name in ACTIVATIONS if name not in ("glu", "rrelu", "prelu")])
def test_it_adds_a_small_networks_answer_with_any_activation(tmp_path: Path, name: str) -> None:
    tensors, x = two_layers(), randn(2, 77, WIDTH)
    network = read_hypernetwork(write(tmp_path / "h.pt", tensors, activation_func=name))
    kind = ACTIVATIONS[name]
    activation = kind(dim=-1) if name in ("softmax", "softmin", "logsoftmax") else kind()  # type: ignore[call-arg]
    torch.testing.assert_close(network.applied(x, 0, 0.7), x + 0.7 * by_hand(tensors, x, activation))


def test_an_activation_that_learns_has_its_weight_from_the_file(tmp_path: Path) -> None:
    tensors, x = two_layers(), randn(2, 7, WIDTH)
    slopes = {"linear.1.weight": torch.tensor([0.7]), "linear.3.weight": torch.tensor([-0.3])}
    functional = torch.nn.functional
    inner = by_hand(tensors, x, lambda hidden: functional.prelu(hidden, slopes["linear.1.weight"]))
    for activate_output, out in ((True, functional.prelu(inner, slopes["linear.3.weight"])), (False, inner)):
        kept = {
            **tensors,
            **{key: slopes[key] for key in ("linear.1.weight", "linear.3.weight")[: 1 + activate_output]},
        }
        info = write(tmp_path / "h.pt", kept, activation_func="prelu", activate_output=activate_output)
        torch.testing.assert_close(read_hypernetwork(info).applied(x, 0, 1.0), x + out)


def test_a_dropout_of_the_last_layer_changes_nothing(tmp_path: Path) -> None:
    (w1, b1), (w2, b2) = linear(96, WIDTH, 1), linear(WIDTH, 96, 2)
    # linear 0, activation 1, dropout 2, linear 3, activation 4, dropout 5
    tensors = {"linear.0.weight": w1, "linear.0.bias": b1, "linear.3.weight": w2, "linear.3.bias": b2}
    table = {"activation_func": "relu", "use_dropout": True, "last_layer_dropout": True, "activate_output": True}
    info, x = write(tmp_path / "h.pt", tensors, **table, dropout_structure=[0, 0.3, 0.3]), randn(2, 5, WIDTH)
    functional = torch.nn.functional
    out = torch.relu(functional.linear(torch.relu(functional.linear(x, w1, b1)), w2, b2))
    network = read_hypernetwork(info)
    torch.testing.assert_close(network.applied(x, 0, 1.0), x + out)
    assert torch.equal(network.applied(x, 0, 1.0), network.applied(x, 0, 1.0))


@pytest.mark.parametrize("name", [None, "linear"])
def test_without_activation_it_is_linear(tmp_path: Path, name: str | None) -> None:
    tensors, x = two_layers(), randn(1, 3, WIDTH)
    network = read_hypernetwork(write(tmp_path / "h.pt", tensors, activation_func=name))
    torch.testing.assert_close(network.applied(x, 0, 1.0), x + by_hand(tensors, x, lambda hidden: hidden))


def test_keys_and_values_have_networks_of_their_own(tmp_path: Path) -> None:
    first, second, x = two_layers(1), two_layers(7), randn(1, 3, WIDTH)
    network = read_hypernetwork(write(tmp_path / "h.pt", first, second, activation_func="relu"))
    torch.testing.assert_close(network.applied(x, 1, 1.0), x + by_hand(second, x, torch.relu))
    assert not torch.equal(network.applied(x, 0, 1.0), network.applied(x, 1, 1.0))


def test_layer_norm_follows_the_activation_and_dropout_only_takes_up_numbers(tmp_path: Path) -> None:
    (w1, b1), (w2, b2) = linear(96, WIDTH, 1), linear(WIDTH, 96, 2)
    gain, shift, gain2, shift2 = 1 + 0.1 * randn(96), randn(96), 1 + 0.1 * randn(WIDTH), randn(WIDTH)
    # linear 0, activation 1, norm 2, dropout 3, linear 4, activation 5, norm 6
    tensors = {
        "linear.0.weight": w1,
        "linear.0.bias": b1,
        "linear.2.weight": gain,
        "linear.2.bias": shift,
        "linear.4.weight": w2,
        "linear.4.bias": b2,
        "linear.6.weight": gain2,
        "linear.6.bias": shift2,
    }
    x = randn(2, 5, WIDTH)
    functional = torch.nn.functional
    table = {"activation_func": "tanh", "is_layer_norm": True, "use_dropout": True, "dropout_structure": [0, 0.3, 0]}
    for activate_output in (True, False):
        info = write(tmp_path / "h.pt", tensors, activate_output=activate_output, **table)
        hidden = functional.layer_norm(torch.tanh(functional.linear(x, w1, b1)), (96,), gain, shift)
        out = functional.linear(hidden, w2, b2)
        out = functional.layer_norm(torch.tanh(out) if activate_output else out, (WIDTH,), gain2, shift2)
        torch.testing.assert_close(read_hypernetwork(info).applied(x, 0, 1.0), x + out)


def test_the_first_files_names_are_understood(tmp_path: Path) -> None:
    tensors = two_layers()
    old = {key.replace("linear.0", "linear1").replace("linear.2", "linear2"): tensors[key] for key in tensors}
    network, x = read_hypernetwork(write(tmp_path / "old.pt", old)), randn(1, 3, WIDTH)
    torch.testing.assert_close(network.applied(x, 0, 1.0), x + by_hand(tensors, x, lambda hidden: hidden))


def test_a_width_that_it_does_not_know_passes_through(tmp_path: Path) -> None:
    network, x = read_hypernetwork(write(tmp_path / "h.pt", two_layers(), activation_func="relu")), randn(1, 3, 7)
    assert network.applied(x, 0, 1.0) is x


def _attended(parts: Parts, context: Tensor) -> Tensor:
    with torch.inference_mode():
        return parts.unet(randn(1, 4, 8, 8), torch.tensor([500]), encoder_hidden_states=context).sample


def test_within_the_block_attention_sees_what_the_networks_make_of_the_prompt(parts: Parts, tmp_path: Path) -> None:
    tensors, context = two_layers(), randn(1, 5, WIDTH)
    network = read_hypernetwork(write(tmp_path / "h.pt", tensors, activation_func="relu"))
    seen: list[Tensor] = []
    cross = [module.to_k for name, module in parts.unet.named_modules() if name.endswith("attn2")]
    handles = [layer.register_forward_hook(lambda module, given, out: seen.append(given[0])) for layer in cross]
    before, digest = _attended(parts, context), parts.digest()
    assert all(torch.equal(each, context) for each in seen)
    seen.clear()
    with hypernetworks(parts.unet, [(network, 0.5), (network, 0.0)]):
        assert not torch.allclose(_attended(parts, context), before)
        assert parts.digest() == digest
    assert len(seen) == len(cross)
    for each in seen:
        torch.testing.assert_close(each, context + 0.5 * by_hand(tensors, context, torch.relu))
    for handle in handles:
        handle.remove()
    assert torch.equal(_attended(parts, context), before)
    assert not any(module._forward_pre_hooks for module in parts.unet.modules())


def test_several_act_one_after_another_and_a_failure_takes_them_off(parts: Parts) -> None:
    class Plus(nn.Module):
        def __init__(self, amount: float) -> None:
            super().__init__()
            self.amount = amount

        def forward(self, x: Tensor) -> Tensor:
            return x * self.amount

    info = NetworkInfo(path=Path("x.pt"), folder=Path(), kind="hypernet")
    one, two = (Hypernetwork(info=info, layers={WIDTH: (Plus(n), Plus(n))}) for n in (1.0, 2.0))
    seen: list[Tensor] = []
    layer = next(module.to_v for name, module in parts.unet.named_modules() if name.endswith("attn2"))
    handle = layer.register_forward_hook(lambda module, given, out: seen.append(given[0]))
    context = randn(1, 2, WIDTH)
    with pytest.raises(ZeroDivisionError), hypernetworks(parts.unet, [(one, 1.0), (two, 0.5)]):
        _attended(parts, context)
        raise ZeroDivisionError
    handle.remove()
    torch.testing.assert_close(seen[0], context * 2 * 2)
    assert not any(module._forward_pre_hooks for module in parts.unet.modules())


class Evil:
    def __reduce__(self) -> tuple[object, tuple[str]]:
        return print, ("executed",)


def test_damaged_and_foreign_files_are_refused_by_name(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    bad = two_layers()
    bad["linear.0.weight"][0, 0] = float("nan")
    infos = [
        write(tmp_path / "nan.pt", bad, activation_func="relu"),
        write(tmp_path / "strange.pt", two_layers(), activation_func="snake"),
        write(tmp_path / "keys.pt", {"conv.weight": randn(2, 2)}),
        write(tmp_path / "half.pt", {"linear.0.weight": randn(2, 2)}),
    ]
    files = {"text.pt": b"a text file", "empty.pt": b"", "evil.pt": pickle.dumps({1: Evil()})}
    for name, data in files.items():
        (tmp_path / name).write_bytes(data)
        infos.append(NetworkInfo(path=tmp_path / name, folder=tmp_path, kind="hypernet"))
    torch.save([1, 2], tmp_path / "list.pt")
    torch.save({"name": "nothing"}, tmp_path / "nothing.pt")
    infos += [NetworkInfo(path=tmp_path / name, folder=tmp_path, kind="hypernet") for name in ("list.pt", "nothing.pt")]
    for info in infos:
        with pytest.raises(NetworkError, match=info.path.name):
            read_hypernetwork(info)
    assert "executed" not in capsys.readouterr().out
