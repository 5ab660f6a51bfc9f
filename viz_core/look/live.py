"""The maps of a layer for one camera frame after another, as one picture to watch, with the classes running along.

Yosinski, Clune, Nguyen, Fuchs & Lipson 2015 built the first such view.
"""

from dataclasses import dataclass

import numpy as np
import torch

from viz_core.camera import Mirror
from viz_core.images.intake import Picture
from viz_core.images.render import heatmap, resize
from viz_core.images.tensor import to_input
from viz_core.models.graph import GraphModel

HEIGHT = 384  # of the picture to watch, pixels
GAP = 2
FORGET = 0.98  # of a channel's scale from frame to frame
TOP = 5


@dataclass(frozen=True)
class Watch:
    """What to watch: network and layer, the brightness of the maps, how many of them."""

    network: GraphModel
    layer: str
    gain: float = 1.0
    maps: int = 36


class LiveView(Mirror):
    """Turns frames into pictures: the frame on the left, the first maps of the layer on the right.

    Each channel keeps a scale of its own, its greatest value of late, so that the colours do not flicker. `watch` may be
    changed and `top`, the likeliest classes, read at any time.
    """

    def __init__(self, watch: Watch) -> None:
        super().__init__()
        self.watch = watch
        self.top: list[tuple[int, str, float]] = []
        self._scale: tuple[tuple[str, str], np.ndarray] | None = None

    def picture(self, frame: np.ndarray) -> np.ndarray:
        """Frame and maps, 384 pixels high."""
        watch = self.watch
        maps, self.top = look(watch, frame)
        sheet = mosaic(self._colours(watch, maps[: watch.maps]))
        return beside(resize(frame, (HEIGHT, round(HEIGHT * frame.shape[1] / frame.shape[0]))), sheet)

    def _colours(self, watch: Watch, maps: np.ndarray) -> np.ndarray:
        """The maps (N, h, w) in colours (N, h, w, 3) by the scales of their channels and the gain."""
        key = (watch.network.digest, watch.layer)
        peak = np.abs(maps).max(axis=(1, 2), initial=1e-6)
        if self._scale is not None and self._scale[0] == key and len(self._scale[1]) == len(peak):
            peak = np.maximum(peak, FORGET * self._scale[1])
        self._scale = key, peak
        unit = maps * (watch.gain / peak)[:, None, None]
        return heatmap(unit, signed=True, limits=(-1, 1)) if maps.min() < 0 else heatmap(unit, limits=(0, 1))


@torch.inference_mode()
def look(watch: Watch, frame: np.ndarray) -> tuple[np.ndarray, list[tuple[int, str, float]]]:
    """One forward pass: the layer's maps (C, h, w), a vector's as (C, 1, 1), and the likeliest classes."""
    network = watch.network
    x = to_input(Picture(frame), network.input_size).to(network.device)
    last = network.layer_names[-1]
    values = network.activations(x, tuple(dict.fromkeys((watch.layer, last))))
    maps = values[watch.layer][0].float().cpu().numpy()
    best = values[last].softmax(dim=1)[0].topk(min(TOP, len(network.class_names)))
    top = [(i, network.class_names[i], p) for p, i in zip(best.values.tolist(), best.indices.tolist(), strict=True)]
    return maps.reshape(*maps.shape, *(1,) * (3 - maps.ndim)), top


def mosaic(tiles: np.ndarray) -> np.ndarray:
    """Tiles (N, h, w, 3) uint8 side by side on white, about as many columns as rows."""
    count, height, width = tiles.shape[:3]
    columns = int(np.ceil(np.sqrt(count)))
    rows = -(-count // columns)
    gap = max(1, round(GAP * rows * height / HEIGHT))
    sheet = np.full((rows * columns, height + gap, width + gap, 3), 255, np.uint8)
    sheet[:count, :height, :width] = tiles
    return sheet.reshape(rows, columns, *sheet.shape[1:]).swapaxes(1, 2).reshape(rows * (height + gap), -1, 3)


def beside(shown: np.ndarray, sheet: np.ndarray) -> np.ndarray:
    """A frame (H, W, 3) and a sheet, as large as fits on as much room again: (H, 2 W + 4, 3), so that the size stays."""
    height, width = shown.shape[:2]
    scale = min(height / sheet.shape[0], width / sheet.shape[1])
    size = max(1, int(scale * sheet.shape[0])), max(1, int(scale * sheet.shape[1]))
    canvas = np.full((height, 2 * width + 2 * GAP, 3), 255, np.uint8)
    canvas[:, :width] = shown
    canvas[: size[0], width + 2 * GAP : width + 2 * GAP + size[1]] = resize(sheet, size, sharp=scale >= 2)
    return canvas
