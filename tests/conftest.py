"""What all tests share."""

import viz_core  # noqa: F401  (makes torchvision importable beside a torch without CUDA)
