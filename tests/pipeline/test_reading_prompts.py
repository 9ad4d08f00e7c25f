"""What the prompts of a run may ask for, and that reading them can be stopped."""

from __future__ import annotations

from typing import Any

import pytest

from modules.application.jobs.job import JobState
from modules.foundation.errors import RequestError
from modules.hooks.events import RunEvent
from tests.pipeline.conftest import Studio


def test_an_interrupt_while_a_prompt_is_read_keeps_the_batches_before(studio: Studio) -> None:
    def stop_at_the_second(event: RunEvent) -> list[Any]:
        if event.batch == 1:
            job.interrupt()
        return []

    detach = studio.application.hooks.embeddings.attach("test", stop_at_the_second)
    try:
        job = studio.submit(seed=4300, batch_count=3, override_settings={"persistent_cond_cache": False})
        result = job.wait(60)
    finally:
        detach()
    assert job.state is JobState.INTERRUPTED
    assert [image.seed for image in result.samples] == [4300]
    assert result.samples[0].path is not None


def test_parts_of_a_prompt_count_like_pictures(studio: Studio) -> None:
    (studio.data / "styles.csv").write_text("name,prompt,negative_prompt\nfew,a AND b,\nmany," + "a AND " * 99 + "b,\n")
    assert studio.make(prompt="", styles=("few",), batch_size=2).samples
    with pytest.raises(RequestError, match=r"100 parts joined by AND, each for 16 pictures of 256x256"):
        studio.make(prompt="", styles=("many",), batch_size=16, width=256, height=256)
