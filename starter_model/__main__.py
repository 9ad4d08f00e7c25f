"""Command line of the starter model's training: `python -m starter_model <command> --workdir DIR`."""

from __future__ import annotations

import argparse
import json
from pathlib import Path

from starter_model.tokens import Words


def _shape_file(workdir: Path) -> None:
    from starter_model.networks import ModelShape

    workdir.mkdir(parents=True, exist_ok=True)
    if not (workdir / "shape.json").exists():
        (workdir / "shape.json").write_text(json.dumps(ModelShape().as_dict(), indent=1))


def _vae(options: argparse.Namespace) -> None:
    import torch

    from starter_model import vae
    from starter_model.dataset import load_vae

    vae.train(
        options.workdir, options.seconds, options.workers, resume=options.resume, only_decoder=options.only_decoder
    )
    net = load_vae(options.workdir)
    if not options.only_decoder:
        pictures = torch.stack([vae.picture_tensor(13_000_000 + i, 256) for i in range(48)])
        vae.normalise_latents(net, vae.to_signed(pictures))
        torch.save(net.state_dict(), options.workdir / "vae.pt")
    print(f"256 px: {vae.quality(net):.2f} dB")


def _render(options: argparse.Namespace) -> None:
    from starter_model.dataset import encode_pool

    for pair in options.pool:
        pixels, count = (int(v) for v in pair.split("="))
        encode_pool(options.workdir, pixels, count, options.workers, options.device)


def _text(options: argparse.Namespace) -> None:
    from starter_model import text

    text.train(options.workdir, Words(), options.seconds)


def _unpack(options: argparse.Namespace) -> None:
    from starter_model.export import start_from

    start_from(options.model, options.workdir, Words())


def _unet(options: argparse.Namespace) -> None:
    from starter_model import unet

    mixture = unet.Plan().mixture
    if options.mixture:
        mixture = tuple(
            (float(start), {int(k): v for k, v in shares.items()}) for start, shares in json.loads(options.mixture)
        )
    batch = unet.Plan().batch | {int(k): v for k, v in json.loads(options.batch).items()}
    plan = unet.Plan(
        batch=batch,
        uniform_times=options.uniform_times,
        low_noise=options.low_noise,
        seconds=options.seconds,
        workers=options.workers,
        device=options.device,
        rate=options.rate,
        mixture=mixture,
    )
    if options.start is not None:
        from starter_model.export import start_from

        start_from(options.start, options.workdir, Words())
    unet.train(options.workdir, plan)


def _export(options: argparse.Namespace) -> None:
    from starter_model.export import export

    export(options.workdir, options.out, Words())


def _evaluate(options: argparse.Namespace) -> None:
    from starter_model.evaluate import evaluate

    evaluate(options)


def _curve(options: argparse.Namespace) -> None:
    from starter_model.curve import curve

    curve(options)


def _sheet(options: argparse.Namespace) -> None:
    from starter_model.sheet import sheet

    sheet(options)


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="python -m starter_model", description=__doc__)
    commands = parser.add_subparsers(dest="command", required=True)

    def command(name: str, action: object, help: str) -> argparse.ArgumentParser:
        sub = commands.add_parser(name, help=help)
        sub.add_argument("--workdir", type=Path, default=Path("tmp/starter"), help="folder of what is not shipped")
        sub.add_argument("--workers", type=int, default=2, help="single-thread processes (on a GPU: 1)")
        sub.add_argument("--device", default="cpu", help="cpu or cuda")
        sub.set_defaults(action=action)
        return sub

    sub = command("vae", _vae, "train the autoencoder")
    sub.add_argument("--seconds", type=float, default=1200)
    sub.add_argument("--resume", action="store_true", help="go on from vae.pt")
    sub.add_argument(
        "--only-decoder", action="store_true", help="leave latents as they are (for use beside a trained UNet)"
    )
    sub = command("render", _render, "render and encode pools of pictures")
    sub.add_argument("--pool", action="append", required=True, metavar="PIXELS=COUNT")
    sub = command("text", _text, "pre-train the text encoder")
    sub.add_argument("--seconds", type=float, default=240)
    sub = command("unpack", _unpack, "fill a fresh work folder from an exported file, to go on training it")
    sub.add_argument("--model", type=Path, default=Path("models/Stable-diffusion/easel-starter.safetensors"))
    sub = command("unet", _unet, "train the UNet, or go on training it")
    sub.add_argument("--seconds", type=float, required=True, help="length of the whole schedule, over all resumptions")
    sub.add_argument("--rate", type=float, default=1e-3)
    sub.add_argument("--uniform-times", type=float, default=0.25, help="share of timesteps from the whole range")
    sub.add_argument("--low-noise", type=float, default=0.5, help="weight of timesteps with little noise")
    sub.add_argument("--mixture", help='JSON like [[0, {"128": 1}], [0.1, {"256": 0.9, "512": 0.1}]]')
    sub.add_argument("--batch", default="{}", help='pictures per step of a worker by size, JSON like {"256": 64}')
    sub.add_argument("--from", dest="start", type=Path, help="begin with the networks of an exported file")
    sub = command("export", _export, "write the checkpoint")
    sub.add_argument("--out", type=Path, default=Path("models/Stable-diffusion/easel-starter.safetensors"))
    sub = command("evaluate", _evaluate, "measure colours and shapes on held-out prompts")
    sub.add_argument("--model", type=Path, help="a file, run by Easel's engine; default: the work folder as it is now")
    sub.add_argument("--count", type=int, default=200)
    sub.add_argument("--behaviour", action="store_true", help="with --model: measure what the controls do as well")
    sub.add_argument("--json", type=Path, help="where to write the figures")
    sub.add_argument("--picture", type=Path, help="where to write a sheet of the pictures judged")
    sub = command("curve", _curve, "draw the loss log of the UNet")
    sub.add_argument("--out", type=Path, required=True)
    sub = command("sheet", _sheet, "make pictures of prompts")
    sub.add_argument("--model", type=Path, help="an exported file; default: the work folder as it is now")
    sub.add_argument("--prompts", type=Path, help="a text file with a prompt per line")
    sub.add_argument("--negative", default="")
    sub.add_argument("--seed", type=int, default=1)
    sub.add_argument("--size", type=int, default=256)
    sub.add_argument("--steps", type=int, default=20)
    sub.add_argument("--scale", type=float, default=5.0)
    sub.add_argument("--columns", type=int, default=8)
    sub.add_argument("--shown", type=int, default=128, help="side of one picture on the sheet")
    sub.add_argument("--raw", action="store_true", help="the last weights instead of their moving average")
    sub.add_argument("--out", type=Path, required=True)
    return parser


def main() -> None:
    """Run the command that the arguments name."""
    options = _parser().parse_args()
    if options.command in ("vae", "text", "render", "unet"):
        _shape_file(options.workdir)
    options.action(options)


if __name__ == "__main__":
    main()
