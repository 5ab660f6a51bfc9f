"""Make `import torchvision` work beside a torch built for another device.

torchvision registers fakes for its compiled operators on import, and fails where its library does not load, as beside a
torch without CUDA. Convscope uses none of those operators, so declaring the two that are missed is enough. Importing
this module before torchvision is all there is to do; `viz_core.models` does it first.
"""

import importlib.util
from pathlib import Path

import torch

_declared: torch.library.Library | None = None


def _compiled_library() -> Path | None:
    spec = importlib.util.find_spec("torchvision")
    folder = Path(spec.origin).parent if spec and spec.origin else None
    return next(iter(sorted(folder.glob("_C.*"))), None) if folder else None


def _compiled_library_loads() -> bool:
    path = _compiled_library()
    if path is None:
        return False
    try:
        torch.ops.load_library(str(path))
    except (OSError, ImportError):
        return False
    return True


def guard() -> None:
    """Declare torchvision's missing operators, unless its compiled library loads or they were declared before."""
    global _declared
    if _declared is not None or _compiled_library_loads() or hasattr(torch.ops.torchvision, "nms"):
        return
    _declared = torch.library.Library("torchvision", "FRAGMENT")
    for operator in ("nms", "qnms"):
        _declared.define(f"{operator}(Tensor dets, Tensor scores, float iou_threshold) -> Tensor")


guard()
