"""X/Y/Z plot: a grid of pictures in which up to three things change.

Extensions append axes of their own to `axis_options` and use the functions that are imported here; some replace
`process_images`, which makes the cells.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import gradio as gr

from modules import scripts
from modules.a1111.current import current
from modules.a1111.grids import check_margin, check_pictures, check_size
from modules.a1111.xyz.axes import (
    AxisOption,
    AxisOptionImg2Img,
    AxisOptionTxt2Img,
    apply_field,
    apply_order,
    apply_override,
    apply_prompt,
    boolean_choice,
    confirm_range,
    csv_string_to_list_strip,
    do_nothing,
    fixed_seeds,
    format_nothing,
    format_remove_path,
    format_value,
    format_value_add_label,
    format_value_join_list,
    list_to_csv_string,
    options_for,
    size_of,
    str_permutations,
    values_of,
)
from modules.a1111.xyz.built_in import BUILT_IN
from modules.a1111.xyz.cells import KeptCells
from modules.a1111.xyz.plot import Axis, Changed, Place, Plot, PlotOptions
from modules.foundation.errors import RequestError
from modules.processing import Processed, fix_seed, process_images

__all__ = [
    "AxisOption",
    "AxisOptionImg2Img",
    "AxisOptionTxt2Img",
    "Script",
    "apply_field",
    "apply_order",
    "apply_override",
    "apply_prompt",
    "axis_options",
    "boolean_choice",
    "confirm_range",
    "csv_string_to_list_strip",
    "do_nothing",
    "format_nothing",
    "format_remove_path",
    "format_value",
    "format_value_add_label",
    "format_value_join_list",
    "list_to_csv_string",
    "process_images",
    "str_permutations",
]

axis_options: list[AxisOption] = list(BUILT_IN)
"""All axes. Their numbers over the API are their places here, without those of the other tab."""

SWAPS = (("Swap X/Y axes", "xy", 0, 1), ("Swap Y/Z axes", "yz", 1, 2), ("Swap X/Z axes", "xz", 0, 2))


class Script(scripts.Script):
    """The script."""

    def title(self) -> str:
        """Its name."""
        return "X/Y/Z plot"

    @property
    def current_axis_options(self) -> list[AxisOption]:
        """The axes of its tab, those that extensions added meanwhile among them."""
        return options_for(axis_options, img2img=self.is_img2img)

    def ui(self, is_img2img: bool) -> list[Any]:
        """Its controls, in the order of A1111's arguments."""
        labels = [option.label for option in self.current_axis_options]
        with gr.Column(elem_id="axis_options"):
            axes = [self._axis_controls(letter, labels, 1 if letter == "x" else 0) for letter in "xyz"]
        with gr.Row():
            with gr.Column():
                legend = self._checkbox("Draw legend", "draw_legend", value=True)
                no_fixed_seeds = self._checkbox("Keep -1 for seeds", "no_fixed_seeds")
                with gr.Row():
                    vary = [self._checkbox(f"Vary seeds for {each.upper()}", f"vary_seeds_{each}") for each in "xyz"]
            with gr.Column():
                lone_images = self._checkbox("Include Sub Images", "include_lone_images")
                sub_grids = self._checkbox("Include Sub Grids", "include_sub_grids")
                as_text = self._checkbox("Use text inputs instead of dropdowns", "csv_mode")
            with gr.Column():
                margin = gr.Slider(
                    label="Grid margins (px)",
                    minimum=0,
                    maximum=500,
                    value=0,
                    step=2,
                    elem_id=self.elem_id("margin_size"),
                )
        self._connect(axes, as_text)
        self.infotext_fields = [
            field
            for letter, (kind, text, chosen) in zip("XYZ", axes, strict=True)
            for field in (
                (kind, f"{letter} Type"),
                (text, f"{letter} Values"),
                (chosen, lambda fields, letter=letter: self.pasted(letter, fields)),
            )
        ]
        drawn = [legend, lone_images, sub_grids, no_fixed_seeds, *vary, margin, as_text]
        return [*(control for axis in axes for control in axis), *drawn]

    def _axis_controls(self, letter: str, labels: list[str], selected: int) -> tuple[Any, Any, Any]:
        upper = letter.upper()
        with gr.Row():
            kind = gr.Dropdown(
                label=f"{upper} type",
                choices=labels,
                value=labels[selected],
                type="index",
                elem_id=self.elem_id(f"{letter}_type"),
            )
            with gr.Row(elem_classes=["with-refresh"]):
                text = gr.Textbox(label=f"{upper} values", lines=1, elem_id=self.elem_id(f"{letter}_values"))
                chosen = gr.Dropdown(
                    label=f"{upper} values", choices=[], visible=False, multiselect=True, interactive=True
                )
                fill = gr.Button("\U0001f4d2", elem_id=f"xyz_grid_fill_{letter}_tool_button", elem_classes=["tool"])
        fill.click(fn=self.filled, inputs=[kind], outputs=[text, chosen], show_progress="hidden")
        return kind, text, chosen

    def _checkbox(self, label: str, name: str, *, value: bool = False) -> Any:
        return gr.Checkbox(label=label, value=value, elem_id=self.elem_id(name))

    def _connect(self, axes: Sequence[tuple[Any, Any, Any]], as_text: Any) -> None:
        for kind, text, chosen in axes:
            inputs = [kind, text, chosen, as_text]
            for control in (kind, as_text):
                control.change(fn=self.shown, inputs=inputs, outputs=[text, chosen], show_progress="hidden")
        with gr.Row(elem_id="swap_axes"):
            for label, name, first, second in SWAPS:
                button = gr.Button(value=label, size="sm", min_width=60, elem_id=f"{name}_grid_swap_axes_button")
                both = [*axes[first], *axes[second]]
                button.click(fn=self.swapped, inputs=both, outputs=both, show_progress="hidden")

    # What the controls do

    def shown(self, number: Any, text: str, chosen: Sequence[Any] | None, as_text: bool) -> tuple[Any, Any]:
        """The field that an axis is to have: a list where it has choices and is not wanted as text."""
        option = self.option(number)
        listed = option.choices is not None and not as_text
        if not listed:
            # What is typed meanwhile stays: the text is only written where the list had values.
            words = {"value": list_to_csv_string(chosen)} if chosen else {}
            return gr.update(visible=True, **words), gr.update(visible=False, choices=[], value=[])
        choices = [str(each) for each in self._choices(option)]
        kept = [value for value in (chosen or csv_string_to_list_strip(text or "")) if value in choices]
        return gr.update(visible=False), gr.update(visible=True, choices=choices, value=kept)

    def filled(self, number: Any) -> tuple[Any, Any]:
        """All choices of an axis."""
        choices = [str(each) for each in self._choices(self.option(number))]
        return (list_to_csv_string(choices), choices) if choices else (gr.update(), gr.update())

    def swapped(self, *values: Any) -> list[Any]:
        """Two axes in each other's place."""
        kinds = [gr.update(value=self.option(values[place]).label) for place in (3, 0)]
        return [kinds[0], *values[4:6], kinds[1], *values[1:3]]

    def pasted(self, letter: str, fields: Mapping[str, Any]) -> Any:
        """The list of an axis from a parameters text."""
        kind = fields.get(f"{letter} Type")
        option = next((each for each in self.current_axis_options if each.label == kind), None)
        if option is None or option.choices is None:
            return gr.update()
        choices = [str(each) for each in self._choices(option)]
        values = csv_string_to_list_strip(str(fields.get(f"{letter} Values", "")))
        return gr.update(choices=choices, value=[value for value in values if value in choices])

    def _choices(self, option: AxisOption) -> Sequence[Any]:
        return option.choices() if option.choices is not None else ()

    def option(self, number: Any) -> AxisOption:
        """The axis of this number or name. Raises RequestError for one that is not here."""
        options = self.current_axis_options
        named = next((each for each in options if isinstance(number, str) and each.label == number), None)
        if named is not None:
            return named
        if isinstance(number, int) and 0 <= number < len(options):
            return options[number]
        numbered = ", ".join(f"{index} {option.label}" for index, option in enumerate(options))
        raise RequestError(f"There is no axis {number!r}. There are: {numbered}.", "script_args")

    # The plot

    def run(
        self,
        p: Any,
        x_type: Any,
        x_values: str,
        x_values_dropdown: list[str] | None,
        y_type: Any,
        y_values: str,
        y_values_dropdown: list[str] | None,
        z_type: Any,
        z_values: str,
        z_values_dropdown: list[str] | None,
        draw_legend: bool,
        include_lone_images: bool,
        include_sub_grids: bool,
        no_fixed_seeds: bool,
        vary_seeds_x: bool,
        vary_seeds_y: bool,
        vary_seeds_z: bool,
        margin_size: int,
        csv_mode: bool,
    ) -> Processed:
        """Make the plot."""
        if not no_fixed_seeds:
            fix_seed(p)
        p.xyz_fixes_seeds = not no_fixed_seeds
        saved, margin = not p.do_not_save_grid, check_margin(margin_size)
        job = current().app.queue.current
        kept = KeptCells(current().app.paths.data / "cache" / "plots", job.id if job is not None else "none")
        kept.remove_old()
        chosen = (
            ("x", x_type, x_values, x_values_dropdown),
            ("y", y_type, y_values, y_values_dropdown),
            ("z", z_type, z_values, z_values_dropdown),
        )
        x, y, z = (self._axis(p, *each, as_text=csv_mode, fixed=None if no_fixed_seeds else kept) for each in chosen)
        self._check(p, (x, y, z))
        also = varied((vary_seeds_x, vary_seeds_y, vary_seeds_z), (x.count, y.count, z.count))
        plot = Plot(p, (x, y, z), self.title(), also=also, kept=kept, making=process_images)
        plot.make()
        options = PlotOptions(
            legend=bool(draw_legend),
            lone_images=bool(include_lone_images),
            sub_grids=bool(include_sub_grids),
            margin=margin,
            saved=saved,
        )
        processed = plot.result(options)
        if not plot.interrupted:
            kept.remove()
        return processed

    def _axis(
        self,
        p: Any,
        letter: str,
        number: Any,
        text: str,
        chosen: Sequence[str] | None,
        *,
        as_text: bool,
        fixed: KeptCells | None,
    ) -> Axis:
        option = self.option(number)
        values = values_of(option, p, text or "", chosen, as_text=as_text)
        if option.choices is not None and not as_text and chosen:
            text = list_to_csv_string(chosen)
        if fixed is not None:
            seeds = fixed_seeds(option, values)
            # Seeds that were chosen by chance have to be the same when the job is tried again.
            values = seeds if seeds == values else fixed.remembered(letter, seeds)
        labels = [str(option.format_value(p, option, value)) for value in values]
        return Axis(option=option, values=values, labels=labels, text=text or "")

    def _check(self, p: Any, axes: tuple[Axis, Axis, Axis]) -> None:
        """Refuse what cannot be before the first picture is made."""
        x, y, z = axes
        sizes = [size_of(value) for axis in axes if axis.option.label == "Size" for value in axis.values]
        width, height = max([width for width, _ in sizes] or [p.width]), max([each for _, each in sizes] or [p.height])
        check_size(width * x.count * z.count, height * y.count)
        check_pictures(x.count * y.count * z.count * p.batch_size * p.n_iter)


def varied(vary: Sequence[bool], counts: Sequence[int]) -> Changed:
    """Give each place along some axes a seed of its own, counting on from that of the first."""
    steps: list[int] = []
    step = 1
    for wanted, count in zip(vary, counts, strict=True):
        steps.append(step if wanted else 0)
        step *= count if wanted else 1

    def apply(p: Any, place: Place) -> None:
        if any(steps) and p.seed != -1:
            p.seed += sum(number * each for number, each in zip(place, steps, strict=True))

    return apply
