"""What keeps the unmasked part of a latent."""

from __future__ import annotations

import torch

from modules.sampling.inpainting import HardBlend, SoftBlend


def latents(seed: int, count: int = 2) -> torch.Tensor:
    return torch.randn(count, 4, 6, 5, generator=torch.Generator().manual_seed(seed))


def half(count: int = 2) -> torch.Tensor:
    mask = torch.zeros(count, 1, 6, 5)
    mask[:, :, :3] = 1
    return mask


def test_a_hard_blend_puts_the_source_back_outside_the_mask() -> None:
    source, latent, mask = latents(1), latents(2), half()
    blend = HardBlend(kept=source * (1 - mask), mask=mask)
    for result in (blend(latent, 3.0), blend.finished(latent)):
        assert torch.equal(result[:, :, :3], latent[:, :, :3])
        assert torch.equal(result[:, :, 3:], source[:, :, 3:])
    assert torch.equal(blend.image(1)(latent[1:], 3.0), blend(latent, 3.0)[1:])


def soft(mask: torch.Tensor, **changes: float) -> SoftBlend:
    return SoftBlend(source=latents(1), mask=mask, **{"bias": 1.0, "strength": 0.5, "contrast": 4.0, **changes})


def test_a_soft_blend_is_the_source_at_black_and_the_painting_at_white() -> None:
    result = soft(half())(latents(2), 2.0)
    assert torch.allclose(result[:, :, :3], latents(2)[:, :, :3], atol=1e-4)
    assert torch.allclose(result[:, :, 3:], latents(1)[:, :, 3:], atol=1e-4)


def test_a_soft_blend_keeps_less_of_the_source_the_less_noise_is_left() -> None:
    grey = torch.full((2, 1, 6, 5), 0.5)
    distances = [float((soft(grey)(latents(2), level) - latents(2)).norm()) for level in (0.1, 1.0, 10.0)]
    assert distances[0] < distances[1] < distances[2]


def test_mixed_vectors_are_as_long_as_the_power_mean_of_both() -> None:
    grey = torch.full((2, 1, 6, 5), 0.5)
    first, second = (each.norm(dim=1) for each in (latents(1), latents(2)))
    for contrast in (1.0, 4.0, 32.0):
        result = soft(grey, strength=1.0, contrast=contrast)(latents(2), 1.0)
        wanted = ((first.double() ** contrast + second.double() ** contrast) / 2) ** (1 / contrast)
        assert torch.allclose(result.norm(dim=1).double(), wanted, rtol=1e-3)
    # At 1e5 the 32nd power would leave the range of float32.
    large = SoftBlend(source=latents(1) * 1e5, mask=grey, bias=1.0, strength=1.0, contrast=32.0)
    assert large(latents(2) * 1e5, 1.0).isfinite().all()


def test_one_image_of_a_batch_is_blended_alone_as_with_the_others() -> None:
    mask = torch.rand(2, 1, 6, 5, generator=torch.Generator().manual_seed(3))
    assert torch.equal(soft(mask).image(1)(latents(2)[1:], 1.5), soft(mask)(latents(2), 1.5)[1:])
    assert torch.equal(soft(mask).finished(latents(2)), latents(2))
