"""Words for pictures, as extensions ask for them: `shared.interrogator`, `deepbooru.model`."""

from __future__ import annotations

from types import SimpleNamespace
from typing import TYPE_CHECKING, Any

from modules.a1111.current import current
from modules.application.jobs.interrogate import submit_interrogation
from modules.interrogate.options import InterrogateOptions

if TYPE_CHECKING:
    from modules.a1111.dialect import A1111Dialect


class Interrogator:
    """`shared.interrogator`: words for pictures, where the weights lie in the models folder."""

    def __init__(self, dialect: A1111Dialect) -> None:
        self._dialect = dialect

    @property
    def content_dir(self) -> str:
        """The folder of the word lists."""
        return str(self._dialect.app.captioners.categories.folder)

    def categories(self) -> list[Any]:
        """The word lists: name, how many of its words are named, the words."""
        return [
            SimpleNamespace(name=each.name, topn=each.count, items=list(each.words))
            for each in self._dialect.app.captioners.categories.read()
        ]

    def interrogate(self, pil_image: Any) -> str:
        """A caption and the words that fit best."""
        return words_for(self._dialect, pil_image, "clip")

    def generate_caption(self, pil_image: Any) -> str:
        """The caption alone."""
        return words_for(self._dialect, pil_image, "blip")

    def load(self) -> None:
        """Nothing: weights are loaded when they are wanted."""

    def unload(self) -> None:
        """Let go of the models, if they are kept."""
        app = self._dialect.app
        if app.engine_ready:
            app.queue.call_soon(app.engine.interrogators.unload)

    send_blip_to_ram = send_clip_to_ram = load


class InterrogateModels(Interrogator):
    """The class of `shared.interrogator`, for those who make one of their own."""

    def __init__(self, content_dir: str | None = None) -> None:
        super().__init__(current())


def words_for(dialect: A1111Dialect, image: Any, model: str, *, ranks: bool = True) -> str:
    """The words for a picture: at once on the engine's thread, by a job of the queue elsewhere."""
    if dialect.job.is_working_thread:
        options = InterrogateOptions.of(dialect.settings)
        options = options if ranks else options.without_ranks
        return dialect.app.engine.interrogators.describe(image, model, options, dialect.control)
    return submit_interrogation(dialect.app, image, model, ranks=ranks).wait()
