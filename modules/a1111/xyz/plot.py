"""Making the cells of a plot in a good order, and putting them into grids."""

from __future__ import annotations

import copy
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from PIL import Image

from modules.a1111.current import current
from modules.a1111.grids import check_size, finished, legend_on
from modules.a1111.processing.conversion import request_of
from modules.a1111.processing.processed import MADE, Processed
from modules.a1111.processing.running import create_infotext
from modules.a1111.types import AxisValue
from modules.a1111.xyz.axes import AxisOption
from modules.a1111.xyz.cells import Cell, KeptCells, key_of
from modules.foundation.plain import JsonObject
from modules.generation.result import FinishedImage, GenerationResult
from modules.imaging.grid_legend import Caption

if TYPE_CHECKING:
    from modules.a1111.processing.parameters import StableDiffusionProcessing


@dataclass(frozen=True, kw_only=True)
class Axis:
    """One axis with its values; `labels` are written beside the grid, `text` is what was typed."""

    option: AxisOption
    values: list[AxisValue]
    labels: list[str]
    text: str

    @property
    def count(self) -> int:
        """How many values the axis has."""
        return len(self.values)


@dataclass(frozen=True, kw_only=True)
class PlotOptions:
    """How the result of a plot is to look."""

    legend: bool = True
    lone_images: bool = False
    sub_grids: bool = False
    margin: int = 0
    saved: bool = True


Place = tuple[int, int, int]
"""Where a cell is: the numbers of its values on X, Y and Z."""

Changed = Callable[["StableDiffusionProcessing", Place], None]
"""Changes the `p` of a cell beyond what the axes do."""

Making = Callable[["StableDiffusionProcessing"], Processed | None]
"""Makes the pictures of a cell."""


class Plot:
    """The plot of `p` over three axes."""

    def __init__(
        self,
        p: StableDiffusionProcessing,
        axes: tuple[Axis, Axis, Axis],
        title: str,
        *,
        also: Changed,
        kept: KeptCells,
        making: Making,
    ) -> None:
        self._making = making
        self.p, self.axes, self._also, self._title, self._kept = p, axes, also, title, kept
        self.cells: dict[Place, Cell] = {}
        self._first: tuple[Place, StableDiffusionProcessing] | None = None
        self.interrupted = False

    # Cells

    def places(self) -> Iterator[Place]:
        """All places, in an order in which the axis of greatest cost changes least often."""
        order = sorted(range(3), key=lambda axis: -float(self.axes[axis].option.cost))
        if not any(axis.option.cost for axis in self.axes):
            order = [2, 1, 0]
        outer, middle, inner = order
        for a in range(self.axes[outer].count):
            for b in range(self.axes[middle].count):
                for c in range(self.axes[inner].count):
                    numbers = {outer: a, middle: b, inner: c}
                    yield numbers[0], numbers[1], numbers[2]

    def cell_request(self, place: Place) -> StableDiffusionProcessing:
        """The `p` of one cell."""
        made = copy.copy(self.p)
        made.styles, made.override_settings = list(self.p.styles), dict(self.p.override_settings)
        made.extra_generation_params, made.comments = dict(self.p.extra_generation_params), {}
        for axis, number in zip(self.axes, place, strict=True):
            axis.option.apply(made, axis.values[number], axis.values)
        self._also(made, place)
        return made

    def make(self) -> None:
        """Make every cell that is not there yet, until all are there or the job is told to stop."""
        state = current().shared.state
        total = self.axes[0].count * self.axes[1].count * self.axes[2].count
        state.job_count = total
        for number, place in enumerate(self.places()):
            if state.stopping_generation:
                break
            state.job = f"{number + 1} out of {total}"
            cell = self._made(place)
            if cell is not None:
                self.cells[place] = cell
        self.interrupted = len(self.cells) < total or not all(cell.complete for cell in self.cells.values())

    def _made(self, place: Place) -> Cell | None:
        made = self.cell_request(place)
        labels = [axis.labels[number] for axis, number in zip(self.axes, place, strict=True)]
        key = key_of(request_of(made), place, labels)
        cell = self._kept.find(key)
        if cell is not None:
            current().shared.state.nextjob()
        else:
            processed = self._making(made)
            if processed is None or not processed.images:
                return None
            cell = self._kept.keep(key, _cell_of(made, processed))
        if self._first is None or _index(place) < _index(self._first[0]):
            self._first = place, _with_cell(made, cell)
        return cell

    # Grids

    def result(self, options: PlotOptions) -> Processed:
        """The grids, and the cells where they are wanted."""
        if self._first is None:
            return Processed(self.p, [])
        first = self._first[1]
        xs, ys, zs = self.axes
        size = max(cell.size[0] for cell in self.cells.values()), max(cell.size[1] for cell in self.cells.values())
        check_size(size[0] * xs.count * zs.count, size[1] * ys.count)
        subs = [self._sub_grid(z, size, options) for z in range(zs.count)]
        main = self._main_grid(subs, options)
        # The first of each grid, as far as they were made.
        starts = [self._start_of(z) for z in range(zs.count)]
        texts = [self._grid_text(first, self.axes)]
        texts += [self._grid_text(self._with_values(z, first), self.axes[:2]) for z in range(zs.count)]
        main = finished(first, main, "xyz_grid", texts[0], saved=options.saved, **_of(starts[0]))
        shown = zip(subs, texts[1:], starts, strict=True) if options.sub_grids else ()
        grids = [
            finished(first, sub, "xyz_grid", text, saved=options.saved and zs.count > 1, **_of(start))
            for sub, text, start in shown
        ]
        ordered = [self.cells.get(place) for place in self._in_order()]
        # One and the same for all cells that are missing: of a plot that was stopped early they are thousands.
        missing = Image.new("RGB", size)
        lone = [missing if cell is None else _lone(cell) for cell in ordered] if options.lone_images else []
        listed = [*(starts if options.sub_grids else []), *ordered]
        processed = Processed(
            first,
            [main, *grids, *lone],
            seed=starts[0].seed,
            subseed=starts[0].subseed,
            all_prompts=[_value(cell, "prompt", "") for cell in listed],
            all_negative_prompts=[starts[0].negative_prompt],
            all_seeds=[_value(cell, "seed", -1) for cell in listed],
            all_subseeds=[starts[0].subseed],
            index_of_first_image=1,
            infotexts=[
                *texts[: 1 + (zs.count if options.sub_grids else 0)],
                *[_value(cell, "infotext", "") for cell in ordered],
            ],
            comments="\n".join(
                dict.fromkeys(line for cell in self.cells.values() for line in cell.comments.split("\n"))
            ),
        )
        processed.prompt, processed.negative_prompt = starts[0].prompt, starts[0].negative_prompt
        processed.result = GenerationResult(images=(), info=starts[0].info, interrupted=self.interrupted)
        return processed

    def _in_order(self) -> Iterator[Place]:
        xs, ys, zs = self.axes
        return ((x, y, z) for z in range(zs.count) for y in range(ys.count) for x in range(xs.count))

    def _start_of(self, z: int) -> Cell:
        """The first finished cell of a sub-grid, or of the plot where it has none."""
        made = {place: cell for place, cell in self.cells.items() if place[2] == z} or self.cells
        return made[min(made, key=_index)]

    def _with_values(self, z: int, first: StableDiffusionProcessing) -> StableDiffusionProcessing:
        made = self.cell_request((0, 0, z)) if (0, 0, z) in self.cells else first
        return _with_cell(made, self._start_of(z))

    def _sub_grid(self, z: int, size: tuple[int, int], options: PlotOptions) -> Image.Image:
        xs, ys, _zs = self.axes
        width, height = size
        background = current().settings.grid_background_color
        grid = Image.new("RGB", (width * xs.count, height * ys.count), background)
        for y in range(ys.count):
            for x in range(xs.count):
                # One picture is in memory at a time.
                cell = self.cells.get((x, y, z))
                picture = cell.opened() if cell is not None else Image.new("RGB", size)
                left, top = x * width + (width - picture.width) // 2, y * height + (height - picture.height) // 2
                grid.paste(picture, (left, top))
        if not options.legend:
            return grid
        across, down = [[Caption(label)] for label in xs.labels], [[Caption(label)] for label in ys.labels]
        return legend_on(grid, size, across, down, options.margin)

    def _main_grid(self, subs: Sequence[Image.Image], options: PlotOptions) -> Image.Image:
        if len(subs) == 1:
            return subs[0].copy() if options.sub_grids else subs[0]
        width, height = max(sub.width for sub in subs), max(sub.height for sub in subs)
        whole = Image.new("RGB", (width * len(subs), height), current().settings.grid_background_color)
        for number, sub in enumerate(subs):
            whole.paste(sub, (number * width, 0))
        if not options.legend:
            return whole
        titles = [[Caption(label)] for label in self.axes[2].labels]
        return legend_on(whole, (width, height), titles, [[Caption()]], 0)

    def _grid_text(self, p: StableDiffusionProcessing, axes: Sequence[Axis]) -> str:
        made = copy.copy(p)
        params = dict(p.extra_generation_params)
        params["Script"] = self._title
        for letter, axis in zip("XYZ", axes, strict=False):
            if axis.option.label == "Nothing":
                continue
            params[f"{letter} Type"], params[f"{letter} Values"] = axis.option.label, axis.text
            if self.p.xyz_fixes_seeds and axis.option.label in ("Seed", "Var. seed"):
                params[f"Fixed {letter} Values"] = ", ".join(str(value) for value in axis.values)
        made.extra_generation_params = params
        return create_infotext(made, made.all_prompts, made.all_seeds, made.all_subseeds)


def _index(place: Place) -> tuple[int, int, int]:
    """Places in the order of the result."""
    return place[2], place[1], place[0]


def _cell_of(p: StableDiffusionProcessing, processed: Processed) -> Cell:
    picture = processed.images[0].convert("RGB")
    saved = getattr(processed.images[0], "already_saved_as", None)
    return Cell(
        infotext=processed.infotexts[0],
        prompt=processed.all_prompts[0],
        negative_prompt=processed.all_negative_prompts[0],
        seed=int(processed.all_seeds[0]),
        subseed=int(processed.all_subseeds[0]),
        size=picture.size,
        fields=dict(getattr(p, "written_fields", {}).get(0, {})),
        info=processed.fields(),
        comments=processed.comments,
        saved=saved,
        complete=processed.result is None or not processed.result.interrupted,
        picture=picture,
    )


def _with_cell(p: StableDiffusionProcessing, cell: Cell) -> StableDiffusionProcessing:
    """`p` as it is after its run, also where the cell was made in a run before."""
    p.written_fields = {0: cell.fields}
    p.all_prompts, p.all_negative_prompts = [cell.prompt], [cell.negative_prompt]
    p.all_seeds, p.all_subseeds = [cell.seed], [cell.subseed]
    p.main_prompt, p.main_negative_prompt = cell.prompt, cell.negative_prompt
    for name in ("sd_model_name", "sd_model_hash", "sd_vae_name", "sd_vae_hash", "width", "height", "sampler_name"):
        setattr(p, name, cell.info.get(name))
    return p


def _lone(cell: Cell) -> Image.Image:
    picture = cell.opened()
    picture.info = {"parameters": cell.infotext}
    made = FinishedImage(image=picture, infotext=cell.infotext, path=_path(cell), **_of(cell))
    setattr(picture, MADE, made)
    return picture


def _path(cell: Cell) -> Path | None:
    return Path(cell.saved) if cell.saved else None


def _of(cell: Cell) -> JsonObject:
    return {
        "prompt": cell.prompt,
        "negative_prompt": cell.negative_prompt,
        "seed": cell.seed,
        "subseed": cell.subseed,
    }


def _value(cell: Cell | None, name: str, otherwise: object) -> Any:
    return otherwise if cell is None else getattr(cell, name)
