"""Types of what extensions hand over and take, named for what they hold.

Only the extension knows the type of the values that are its own: arguments of its controls, attributes that it sets.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

ExtensionFunction = Callable[..., Any]
"""A function of an extension, or one that stands in its place: parameters and result are its own."""

ScriptArgument = Any
"""The value of a control of a script, as the script's methods take it."""

AxisValue = Any
"""A value of an axis of X/Y/Z: a number, a name, a size, of the axis's own type."""

ComponentValue = Any
"""What a component of gradio shows, takes or is made with; each kind of component has its own."""

GradioComponent = Any
"""A component of gradio, which gets its listeners (`click`, `change`) at run time, where no type checker sees them."""
