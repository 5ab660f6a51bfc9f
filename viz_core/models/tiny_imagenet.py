"""Tiny-ImageNet-200 as arrays: every JPEG is decoded once, into a file that training maps into memory."""

import io
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import torch
from PIL import Image
from torch import Tensor

SIDE = 64


@dataclass(frozen=True)
class Labelled:
    """Pictures uint8 [N, 3, 64, 64], labels int64 [N], boxes int64 [N, 4] (x0, y0, x1, y1, pixels, ends included)."""

    images: Tensor
    labels: Tensor
    boxes: Tensor

    def to(self, device: torch.device) -> "Labelled":
        return Labelled(self.images.to(device), self.labels.to(device), self.boxes.to(device))

    def __len__(self) -> int:
        return len(self.labels)


def load_split(data: Path, split: str, cache: Path) -> Labelled:
    """The split `train` or `val` of the folder `data`, decoded into `cache` the first time.

    Raises FileNotFoundError where the folder holds no parquet file of that split.
    """
    cache.mkdir(parents=True, exist_ok=True)
    arrays = [cache / f"{split}-{name}.npy" for name in ("images", "labels", "boxes")]
    if not all(path.exists() for path in arrays):
        _decode(sorted(data.glob(f"{split}*.parquet")), arrays, data, split)
    images, labels, boxes = (torch.from_numpy(np.load(path, mmap_mode="c")) for path in arrays)
    return Labelled(images, labels, boxes)


def _decode(shards: list[Path], arrays: list[Path], data: Path, split: str) -> None:
    try:
        import pyarrow.parquet as parquet
    except ImportError as error:
        raise ImportError("Reading Tiny-ImageNet needs pyarrow: pip install pyarrow.") from error
    if not shards:
        raise FileNotFoundError(f"There is no {split}*.parquet in {data}: give the folder of Tiny-ImageNet-200.")
    tables = [parquet.read_table(shard) for shard in shards]
    labels = np.concatenate([table["label"].to_numpy().astype(np.int64) for table in tables])
    boxes = np.concatenate([np.array(table["box"].to_pylist(), dtype=np.int64) for table in tables])
    images = np.empty((len(labels), 3, SIDE, SIDE), dtype=np.uint8)
    jpegs = (jpeg.as_py() for table in tables for jpeg in table["jpeg"])
    for row, jpeg in enumerate(jpegs):
        images[row] = np.asarray(Image.open(io.BytesIO(jpeg)).convert("RGB")).transpose(2, 0, 1)
    for path, array in zip(arrays, (images, labels, boxes), strict=True):
        np.save(path, array)
