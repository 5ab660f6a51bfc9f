"""The engine of Convscope: every technique that shows the inside of a convolutional network, without any user interface."""

__version__ = "0.1.0"
