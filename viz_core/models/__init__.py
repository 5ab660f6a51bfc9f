"""Networks to look into: `load(name)` gives any of them as a `GraphModel`."""

from viz_core.models import torchvision_guard  # noqa: F401  (must come before anything that imports torchvision)
from viz_core.models.graph import GraphModel
from viz_core.models.load import load

__all__ = ["GraphModel", "load"]
