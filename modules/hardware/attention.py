"""Attention kernels: which one a device is fastest with.

torch's scaled_dot_product_attention is the best there is on CUDA. Its CPU kernel is not: in bfloat16 two plain matrix
products with a softmax between them are two to three times as fast, as long as the scores stay in the cache. That is
what `blockwise_attention` does.
"""

from __future__ import annotations

import contextlib
import logging
from collections.abc import Callable, Generator, Mapping
from typing import Any

import torch
from torch import Tensor
from torch.nn import functional

from modules.hardware.device import Hardware

log = logging.getLogger(__name__)

BLOCK = 1024 * 1024
"""Scores computed at once: 2 MB of bfloat16, about what a core's second-level cache holds."""


def blockwise_attention(query: Tensor, key: Tensor, value: Tensor) -> Tensor:
    """softmax(Q K^T / sqrt(d)) V for query [G, n, d], key and value [G, m, d]; Vaswani et al. 2017, equation 1.

    Exact like the plain formula, but for the order of additions: the scores are made block by block, and a block's
    rows are complete, so there is nothing to rescale. The softmax works in float32 inside.
    """
    groups, rows, width = query.shape
    columns = key.shape[1]
    result = torch.empty_like(query)
    query = query * width**-0.5
    transposed = key.transpose(1, 2)
    group_step = max(BLOCK // (rows * columns), 1)
    row_step = max(BLOCK // columns, 1) if group_step == 1 else rows
    for group in range(0, groups, group_step):
        some = slice(group, group + group_step)
        for row in range(0, rows, row_step):
            scores = torch.bmm(query[some, row : row + row_step], transposed[some])
            weights = torch.softmax(scores, dim=-1)
            result[some, row : row + row_step] = torch.bmm(weights, value[some])
    return result


def attention(query: Tensor, key: Tensor, value: Tensor, mask: Tensor | None = None) -> Tensor:
    """Attention over [B, heads, n, d] with the fastest kernel for where and what the tensors are."""
    if mask is not None or query.device.type != "cpu" or query.dtype != torch.bfloat16:
        return functional.scaled_dot_product_attention(query, key, value, attn_mask=mask)
    shape = query.shape
    query, key, value = (tensor.flatten(0, 1) for tensor in (query, key, value))
    return blockwise_attention(query, key, value).view(shape)


Kernel = Callable[[Tensor, Tensor, Tensor, Tensor | None], Tensor]
"""Attention over query, key and value [B, heads, n, d], with a mask or None."""


def scaled_dot_product(query: Tensor, key: Tensor, value: Tensor, mask: Tensor | None = None) -> Tensor:
    """torch's own attention, whichever of its kernels suits the tensors."""
    return functional.scaled_dot_product_attention(query, key, value, attn_mask=mask)


def without_efficient_kernel(query: Tensor, key: Tensor, value: Tensor, mask: Tensor | None = None) -> Tensor:
    """torch's own attention, but for the memory-efficient kernel, which gives other rounding from run to run."""
    from torch.nn.attention import SDPBackend, sdpa_kernel

    with sdpa_kernel([SDPBackend.FLASH_ATTENTION, SDPBackend.CUDNN_ATTENTION, SDPBackend.MATH]):
        return functional.scaled_dot_product_attention(query, key, value, attn_mask=mask)


def blockwise(query: Tensor, key: Tensor, value: Tensor, mask: Tensor | None = None) -> Tensor:
    """Attention whose scores are made a block at a time; one with a mask is left to torch."""
    if mask is not None:
        return scaled_dot_product(query, key, value, mask)
    groups = (tensor.flatten(0, 1) for tensor in (query, key, value))
    return blockwise_attention(*groups).view(*query.shape[:-1], value.shape[-1])


def plain(query: Tensor, key: Tensor, value: Tensor, mask: Tensor | None = None) -> Tensor:
    """The formula as it stands: all scores at once. Vaswani et al. 2017, equation 1."""
    scores = query @ key.transpose(-1, -2) * query.shape[-1] ** -0.5
    return torch.softmax(scores if mask is None else scores + mask, dim=-1) @ value


AUTOMATIC = "Automatic"
KERNELS: Mapping[str, Kernel] = {
    AUTOMATIC: attention,
    "sdp": scaled_dot_product,
    "sdp-no-mem": without_efficient_kernel,
    "sub-quadratic": blockwise,
    "InvokeAI": blockwise,
    "Doggettx": blockwise,
    "V1": blockwise,
    "None": plain,
}
"""By A1111's names of them, without what stands behind the dash. Four of these differ there in how blocks are cut."""


def kernel_called(name: str) -> Kernel | None:
    """The kernel of a name, as A1111 writes it ("sdp - scaled dot product") or without what is behind the dash."""
    return KERNELS.get(name.partition(" - ")[0].strip())


class AttentionProcessor:
    """diffusers' interface to attention by `kernel`, for the attention blocks of a UNet's transformers.

    With `upcast`, attention itself is computed in float32, for models whose scores overflow float16.
    """

    def __init__(self, *, upcast: bool = False, kernel: Kernel = attention) -> None:
        self.upcast, self.kernel = upcast, kernel

    def __call__(
        self,
        attn: Any,
        hidden_states: Tensor,
        encoder_hidden_states: Tensor | None = None,
        attention_mask: Tensor | None = None,
        **_: object,
    ) -> Tensor:
        """Self-attention of `hidden_states` [B, n, C], or cross-attention to `encoder_hidden_states` [B, m, width]."""
        batch = hidden_states.shape[0]
        context = hidden_states if encoder_hidden_states is None else encoder_hidden_states
        if encoder_hidden_states is not None and attn.norm_cross:
            context = attn.norm_encoder_hidden_states(context)
        projected = (attn.to_q(hidden_states), attn.to_k(context), attn.to_v(context))
        query, key, value = (part.view(batch, -1, attn.heads, part.shape[-1] // attn.heads) for part in projected)
        mask = None
        if attention_mask is not None:
            mask = attn.prepare_attention_mask(attention_mask, context.shape[1], batch)
            mask = mask.view(batch, attn.heads, -1, mask.shape[-1])
        if self.upcast:
            query, key, value = query.float(), key.float(), value.float()
            mask = None if mask is None else mask.float()
        attended = self.kernel(query.transpose(1, 2), key.transpose(1, 2), value.transpose(1, 2), mask)
        attended = attended.transpose(1, 2).reshape(batch, -1, query.shape[2] * query.shape[3]).to(hidden_states.dtype)
        return attn.to_out[1](attn.to_out[0](attended))


def use_fast_attention(unet: Any, hardware: Hardware, *, xformers: bool = False) -> None:
    """Give a diffusers UNet the attention kernel that suits `hardware`; networks of other kinds keep their own.

    `xformers` asks for that library's kernel on CUDA; where it is not installed a warning says so.
    """
    if not hasattr(unet, "set_attn_processor"):
        return
    if xformers and hardware.device.type == "cuda":
        try:
            unet.enable_xformers_memory_efficient_attention()
            return
        except (ImportError, ModuleNotFoundError, ValueError) as error:
            log.warning("xformers cannot be used (%s); torch's own attention is.", error)
    unet.set_attn_processor(AttentionProcessor())


@contextlib.contextmanager
def chosen_attention(unet: Any, kernel: Kernel = attention, *, upcast: bool = False) -> Generator[None]:
    """Within the block, a diffusers UNet computes its attention by `kernel`, in float32 with `upcast`.

    With what holds by default nothing is changed; networks of other kinds keep their own attention.
    """
    if (kernel is attention and not upcast) or not hasattr(unet, "set_attn_processor"):
        yield
        return
    before = unet.attn_processors
    unet.set_attn_processor(AttentionProcessor(upcast=upcast, kernel=kernel))
    try:
        yield
    finally:
        unet.set_attn_processor(before)


def forbid_memory_efficient_kernel() -> None:
    """Have scaled_dot_product_attention on CUDA do without its memory-efficient kernel, which is not deterministic."""
    torch.backends.cuda.enable_mem_efficient_sdp(False)
