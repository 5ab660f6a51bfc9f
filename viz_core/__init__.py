"""The engine of Convscope: every technique that shows the inside of a convolutional network, without any user interface."""

import os

__version__ = "0.1.0"

# Before torch is loaded: threads that wait sleep instead of spinning. Where several people's passes share the processors,
# spinning costs ten times the time; where nothing else runs there is no difference.
os.environ.setdefault("OMP_WAIT_POLICY", "passive")

from viz_core.models import torchvision_guard as torchvision_guard  # before anything here imports torchvision
