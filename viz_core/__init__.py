"""The engine of Convscope: every technique that shows the inside of a convolutional network, without any user interface."""

__version__ = "0.1.0"

from viz_core.models import torchvision_guard as torchvision_guard  # before anything here imports torchvision
