"""Settings of extensions as a section of the settings page, each drawn by the component that its OptionInfo names."""

from __future__ import annotations

import logging
from collections.abc import Callable, Iterable
from typing import TYPE_CHECKING, Annotated, Any

from pydantic import create_model

from modules.a1111.option_info import number_of
from modules.a1111.types import ComponentValue, GradioComponent
from modules.foundation.plain import JsonObject
from modules.settings.declare import Section, SettingControl, setting

if TYPE_CHECKING:
    from pydantic.fields import FieldInfo

    from modules.a1111.option_info import OptionInfo

log = logging.getLogger(__name__)

Failed = Callable[[str, str], None]


def section_of(title: str, category: str, options: Iterable[tuple[str, OptionInfo]], failed: Failed) -> type[Section]:
    """A section of the settings that holds these options, for the program's registry.

    What is no setting (a text, a line) stands before the setting that follows, or after the last one. `failed` is told
    of a component that cannot be drawn.
    """
    fields: JsonObject = {}
    before, last = "", ""
    controls: dict[str, _Drawn] = {}
    for key, info in options:
        if info.do_not_save:
            before += f"<div>{info.default}</div>" if info.default else "<hr>"
            continue
        controls[key] = _Drawn(key, info, failed)
        fields[key] = (_type_of(info.default), _field(key, info), before + info.comment_before)
        before, last = "", key
    annotated: JsonObject = {}
    for key, (kind, field, above) in fields.items():
        drawn = controls[key]
        control = SettingControl(
            draw=drawn.draw,
            before=above,
            after=drawn.info.comment_after + (before if key == last else ""),
            look_again=drawn.look_again if drawn.info.refresh is not None else None,
        )
        annotated[key] = (Annotated[kind, control], field)
    made = create_model(f"Section {title}", __base__=Section, **annotated)
    made.title, made.category = title, category
    return made


class _Drawn:
    """One option as a component."""

    def __init__(self, key: str, info: OptionInfo, failed: Failed) -> None:
        self.key, self.info, self._failed = key, info, failed
        self._component: GradioComponent = None

    def draw(self, **common: Any) -> GradioComponent:
        """The component that the option names, or the one for values of its kind."""
        kind: GradioComponent = self.info.component or _component_for(self.info.default)
        if _is_static(kind):
            common.pop("interactive", None)
        try:
            self._component = kind(**{**common, **arguments_of(self.key, self.info)})
        except Exception as error:  # the boundary of an extension
            log.exception("The setting %r cannot be drawn as its extension wants it", self.key)
            self._failed(self.key, f"the setting {self.key!r} cannot be drawn: {error}")
            self._component = _component_for(self.info.default)(**common)
        return self._component

    def look_again(self) -> ComponentValue:
        """What the component is updated with once the option has looked for choices."""
        from modules.a1111.gradio3.updates import for_block

        assert self.info.refresh is not None
        self.info.refresh()
        return for_block({**arguments_of(self.key, self.info), "__type__": "update"}, self._component)


def _component_for(default: ComponentValue) -> GradioComponent:
    import gradio as gr

    from modules.a1111.gradio3.classes import old_class

    if isinstance(default, bool):
        return old_class(gr.Checkbox)
    return old_class(gr.Number if isinstance(default, int | float) else gr.Textbox)


def _is_static(kind: GradioComponent) -> bool:
    """Whether nothing can be entered there."""
    import gradio as gr

    return isinstance(kind, type) and issubclass(kind, gr.HTML | gr.Markdown | gr.Button)


def arguments_of(key: str, info: OptionInfo) -> JsonObject:
    """The arguments of the component as they are now; none where they cannot be worked out."""
    try:
        return info.arguments()
    except Exception:  # the boundary of an extension
        log.exception("The arguments of setting %r cannot be worked out; it is drawn without them", key)
        return {}


def _type_of(default: ComponentValue) -> Any:
    if isinstance(default, bool):
        return bool
    if isinstance(default, int | float):
        return float | int
    # Sliders of whole numbers come back as floats and lists as None: leniency as in A1111.
    return str if isinstance(default, str) else Any


def _field(key: str, info: OptionInfo) -> FieldInfo:
    arguments = arguments_of(key, info)
    choices = arguments.get("choices")
    return setting(
        info.default,
        info.label or key,
        **{name: number_of(arguments.get(of)) for name, of in (("ge", "minimum"), ("le", "maximum"), ("step", "step"))},
        choices=list(choices) if isinstance(choices, list | tuple) else None,
        infotext=info.infotext,
        restart="requires restart" in info.comment_after,
    )
