"""Doorway: `modules.ui_components`."""

from __future__ import annotations

from modules.a1111.components import (
    DropdownEditable,
    DropdownMulti,
    FormColorPicker,
    FormColumn,
    FormComponent,
    FormGroup,
    FormHTML,
    FormRow,
    InputAccordion,
    ResizeHandleRow,
    ToolButton,
)

__all__ = [
    "DropdownEditable",
    "DropdownMulti",
    "FormColorPicker",
    "FormColumn",
    "FormComponent",
    "FormGroup",
    "FormHTML",
    "FormRow",
    "InputAccordion",
    "ResizeHandleRow",
    "ToolButton",
]
