"""`p` by itself, as scripts ask it within their methods."""

from __future__ import annotations

from collections.abc import Callable, Iterator

import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st

from modules.a1111.processing.parameters import StableDiffusionProcessingTxt2Img
from modules.a1111.processing.processed import Processed
from tests.a1111.conftest import Stage


@pytest.fixture(scope="module")
def here(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Stage]:
    made = Stage(tmp_path_factory.mktemp("parameters"), {})
    yield made
    made.close()


@given(
    width=st.integers(8, 300).map(lambda each: 8 * each),
    height=st.integers(8, 300).map(lambda each: 8 * each),
    wished=st.tuples(st.integers(0, 300), st.integers(0, 300)).map(lambda each: (8 * each[0], 8 * each[1])),
)
def test_the_size_of_the_second_pass_is_worked_out_for_scripts(
    here: Stage, width: int, height: int, wished: tuple[int, int]
) -> None:
    p = StableDiffusionProcessingTxt2Img(width=width, height=height, enable_hr=True, hr_scale=1.5)
    p.hr_resize_x, p.hr_resize_y = wished
    p.calculate_target_resolution()
    size = p.hr_upscale_to_x, p.hr_upscale_to_y
    if wished == (0, 0):
        assert size == (int(width * 1.5), int(height * 1.5))
    elif all(wished):
        # The picture covers what is wished for; what hangs over is cut off on one side.
        assert size[0] == wished[0] or size[1] == wished[1]
        assert (size[0] // 8 - p.truncate_x, size[1] // 8 - p.truncate_y) >= (wished[0] // 8, wished[1] // 8)
        assert 0 in (p.truncate_x, p.truncate_y)
    else:
        assert size[wished.index(0) ^ 1] == max(wished)


def test_a_processed_takes_the_first_of_several_seeds(here: Stage) -> None:
    p = StableDiffusionProcessingTxt2Img(prompt="a cat", seed=3)
    assert Processed(p, [], [7, 8], "", [5, 6]).seed == 7
    assert Processed(p, [], [7, 8], "", [5, 6]).subseed == 5
    assert Processed(p, []).seed == 3


NOISE = """
from modules import scripts

class Noise(scripts.Script):
    seen = []
    def title(self): return "Noise"
    def show(self, is_img2img): return scripts.AlwaysVisible
    pictures = []
    def postprocess_image(self, p, pp):
        Noise.pictures.append((p.iteration, p.batch_index))
    def before_process_batch(self, p, **kwargs):
        Noise.seen.append((p.rng.shape, tuple(p.rng.seeds)))
"""


def test_the_noise_of_a_batch_is_there_before_it_and_each_picture_knows_its_place(stage: Callable[..., Stage]) -> None:
    there = stage(noise=NOISE)
    there.make(batch_count=2, batch_size=2)
    assert there.dialect.errors == {}
    script = there.dialect.scripts_data[0].script_class
    assert script.seen == [((4, 8, 8), (1, 2)), ((4, 8, 8), (3, 4))]
    assert script.pictures == [(0, 0), (0, 1), (1, 0), (1, 1)]


def test_what_goes_beside_the_latents_of_models_without_a_picture_is_a_stand_in(here: Stage) -> None:
    p, latents = StableDiffusionProcessingTxt2Img(width=64, height=64), torch.zeros(2, 4, 8, 8)
    for made in (p.txt2img_image_conditioning(latents), p.img2img_image_conditioning(latents, latents, None)):
        assert tuple(made.shape) == (2, 5, 1, 1)
