"""Which number format and memory layout train fastest on a device."""

from contextlib import AbstractContextManager
from typing import TypeVar

import torch
from torch import Tensor, nn

Net = TypeVar("Net", bound=nn.Module)


def bfloat16_pays(device: torch.device) -> bool:
    """Whether the device multiplies bfloat16 in hardware: a processor without it imitates it at less than half the speed."""
    if device.type == "cuda":
        return torch.cuda.is_bf16_supported(including_emulation=False)
    capabilities = torch.cpu.get_capabilities()
    return bool(capabilities.get("amx_bf16") or capabilities.get("avx512_bf16"))


def mixed_precision(device: torch.device) -> AbstractContextManager[None]:
    """Forward passes inside it run in bfloat16 where that pays, in float32 elsewhere."""
    return torch.autocast(device.type, torch.bfloat16, enabled=bfloat16_pays(device))


def layout(device: torch.device) -> torch.memory_format:
    """Channels last beside bfloat16; plain float32 convolutions on a processor prefer the ordinary order."""
    return torch.channels_last if bfloat16_pays(device) else torch.contiguous_format


def laid_out(pictures: Tensor) -> Tensor:
    """Pictures [B, 3, H, W] in the layout of their device."""
    return pictures.to(memory_format=layout(pictures.device))


def placed(net: Net, device: torch.device) -> Net:
    """The network on a device, its weights in the layout of that device."""
    return net.to(device, memory_format=layout(device))  # type: ignore[call-overload]  # not in the stub
