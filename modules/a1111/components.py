"""Components of A1111's page for extensions: `modules.ui_components`, on the Gradio of extensions."""

from __future__ import annotations

import itertools
from collections.abc import Generator
from contextlib import contextmanager
from typing import Any

from modules.a1111.gradio3.namespace import old_module
from modules.a1111.types import ComponentValue
from modules.foundation.plain import JsonObject

_gr: Any = old_module("gradio")
_number = itertools.count()

REFRESH = "\U0001f504"


def _classes_of(keywords: JsonObject) -> list[str]:
    """`elem_classes` out of the keywords of a component: one name or several."""
    classes = keywords.pop("elem_classes", None) or []
    return [classes] if isinstance(classes, str) else list(classes)


class FormComponent:
    """What form components share."""

    webui_do_not_create_gradio_pyi_thank_you = True


class ToolButton(_gr.Button):
    """A small button with a sign on it."""

    def __init__(self, *args: object, **kwargs: ComponentValue) -> None:
        sign = args[0] if args else kwargs.get("value")
        kind = "refresh" if sign == REFRESH else "written"  # the page has signs of its own for its own buttons
        super().__init__(*args, elem_classes=["tool", kind, *_classes_of(kwargs)], **kwargs)


class ResizeHandleRow(_gr.Row):
    """A row whose columns can be made wider."""

    def __init__(self, **kwargs: ComponentValue) -> None:
        super().__init__(elem_classes=["resize-handle-row", *_classes_of(kwargs)], **kwargs)


class FormRow(_gr.Row):
    """A row of a form."""


class FormColumn(_gr.Column):
    """A column of a form."""


class FormGroup(_gr.Group):
    """A group of a form."""


class FormHTML(_gr.HTML):
    """HTML in a form."""


class FormColorPicker(_gr.ColorPicker):
    """A choice of colour in a form."""


class DropdownMulti(_gr.Dropdown):
    """A list from which several can be chosen."""

    def __init__(self, **kwargs: ComponentValue) -> None:
        super().__init__(multiselect=True, **kwargs)


class DropdownEditable(_gr.Dropdown):
    """A list into which other values can be typed."""

    def __init__(self, **kwargs: ComponentValue) -> None:
        super().__init__(allow_custom_value=True, **kwargs)


class InputAccordion(_gr.Checkbox):
    """A checkbox that is an accordion: open means True. `with` puts controls into it; `extra()` into its head."""

    accordion_id_set: set[str] = set()  # noqa: RUF012 - a name of the original

    def __init__(self, value: bool, **kwargs: ComponentValue) -> None:
        self.accordion_id = kwargs.pop("elem_id", None) or f"input-accordion-{next(_number)}"
        classes = [*_classes_of(kwargs), "input-accordion"]
        opened = kwargs.pop("open", value)
        super().__init__(value, elem_id=f"{self.accordion_id}-checkbox", visible=False)
        with _gr.Group(elem_classes=["input-accordion-container"]):
            self.accordion = _gr.Accordion(
                label=kwargs.pop("label", "Accordion"),
                elem_id=self.accordion_id,
                elem_classes=classes,
                open=bool(opened),
                visible=kwargs.pop("visible", True),
            )
        self.accordion.expand(fn=None, outputs=[self], js="() => true", show_progress=False)
        self.accordion.collapse(fn=None, outputs=[self], js="() => false", show_progress=False)
        self.input(
            fn=lambda wanted: _gr.update(open=bool(wanted)),
            inputs=[self],
            outputs=[self.accordion],
            show_progress=False,
        )

    @contextmanager
    def extra(self) -> Generator[Any]:
        """A block whose controls belong into the head of the accordion."""
        with _gr.Column(
            elem_id=f"{self.accordion_id}-extra", elem_classes=["input-accordion-extra"], min_width=0
        ) as column:
            yield column

    def __enter__(self) -> InputAccordion:
        self.accordion.__enter__()
        return self

    def __exit__(self, *details: object) -> None:
        self.accordion.__exit__(*details)
