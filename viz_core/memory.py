"""How much memory there is, whether an exception says that it ran out, and giving it back."""

import gc
import os
import traceback

import torch

MEMINFO = "/proc/meminfo"


def is_out_of_memory(problem: BaseException) -> bool:
    """Whether an exception says that the memory of the machine or of its accelerator did not suffice."""
    if isinstance(problem, MemoryError | torch.OutOfMemoryError):
        return True
    said = str(problem).lower()
    return isinstance(problem, RuntimeError) and ("out of memory" in said or "not enough memory" in said)


def forget_frames(problem: BaseException | None) -> None:
    """Let go of the frames that an exception and its causes hold, and of the tensors in them."""
    while problem is not None:
        traceback.clear_frames(problem.__traceback__)
        before = problem.__cause__ or problem.__context__
        problem.__traceback__ = problem.__cause__ = problem.__context__ = None
        problem = before


def free_memory() -> None:
    """Give back what ended runs held: unreachable objects, then the accelerator's cache."""
    gc.collect()
    if torch.cuda.is_available():
        torch.cuda.empty_cache()


def available_memory(device: torch.device) -> int | None:
    """Bytes that a run on this device may still take; None where the system does not tell."""
    if device.type == "cuda":
        return torch.cuda.mem_get_info(device)[0]
    if not os.path.exists(MEMINFO):
        return None
    with open(MEMINFO) as file:
        lines = dict(line.split(":", 1) for line in file)
    return int(lines["MemAvailable"].split()[0]) * 1024
