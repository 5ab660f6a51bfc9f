"""The methods the trust room judges, each as one map (H, W) that is great where the method says the network looked."""

from collections.abc import Callable

import cv2
import numpy as np
import torch
from torch import Tensor

from viz_core.explain.saliency import integrated_gradients, reduced, smoothgrad
from viz_core.images.tensor import to_pixels
from viz_core.models.cam import at_picture_size, gradient_cam, map_layers
from viz_core.models.gradients import score_gradient
from viz_core.models.graph import GraphModel

NOISY_COPIES = 5
NOISE = 0.15
PATH_POINTS = 5

Method = Callable[[GraphModel, Tensor, int], np.ndarray]


def _strongest(attribution: Tensor) -> np.ndarray:
    return reduced(attribution[0].cpu().numpy(), "max", signed=False)


def gradient(network: GraphModel, x: Tensor, target: int) -> np.ndarray:
    """The magnitude of the gradient."""
    return _strongest(score_gradient(network, x, target))


def times_input(network: GraphModel, x: Tensor, target: int) -> np.ndarray:
    """The magnitude of gradient times picture."""
    return _strongest(score_gradient(network, x, target) * x)


def smooth(network: GraphModel, x: Tensor, target: int) -> np.ndarray:
    """SmoothGrad over a few noisy copies, the same ones every time."""
    noise = torch.Generator().manual_seed(0)
    *_, last = smoothgrad(network, x, target, samples=NOISY_COPIES, noise=NOISE, generator=noise)
    return _strongest(last)


def integrated(network: GraphModel, x: Tensor, target: int) -> np.ndarray:
    """The magnitude of integrated gradients from black."""
    *_, last = integrated_gradients(network, x, target, points=PATH_POINTS)
    return _strongest(last)


def guided(network: GraphModel, x: Tensor, target: int) -> np.ndarray:
    """The magnitude of guided backprop."""
    return _strongest(score_gradient(network, x, target, "guided"))


def grad_cam(network: GraphModel, x: Tensor, target: int) -> np.ndarray:
    """Grad-CAM at the last layer with positions."""
    return at_picture_size(gradient_cam(network, x, target, map_layers(network)[-1]), x)[0].cpu().numpy()


def guided_grad_cam(network: GraphModel, x: Tensor, target: int) -> np.ndarray:
    """Guided backprop times Grad-CAM."""
    return guided(network, x, target) * grad_cam(network, x, target)


def edges(network: GraphModel, x: Tensor, target: int) -> np.ndarray:
    """The control: how strong an edge is in the picture. It knows nothing of the network or the class."""
    grey = cv2.cvtColor(to_pixels(x), cv2.COLOR_RGB2GRAY).astype(np.float32)
    return np.hypot(cv2.Sobel(grey, cv2.CV_32F, 1, 0), cv2.Sobel(grey, cv2.CV_32F, 0, 1))


METHODS: dict[str, Method] = {
    "gradient": gradient,
    "times_input": times_input,
    "smoothgrad": smooth,
    "integrated": integrated,
    "guided": guided,
    "gradcam": grad_cam,
    "guided_gradcam": guided_grad_cam,
    "edges": edges,
}
