"""Maps against the truth on Tiny-ImageNet's validation pictures: GrabCut and boxes, pointing, deletion against chance.

    python tests/benchmarks/bench_maps.py boxes DATA [--count 200] [--model bundled] [--methods gradient gradcam]
    python tests/benchmarks/bench_maps.py deletion DATA [--count 100] [--steps 10]

DATA is the folder with the parquet files of Tiny-ImageNet-200 (it needs pyarrow). The pictures are spread evenly over the
validation set. `boxes`: the object that GrabCut grows from each map, its box against the true one (intersection over union),
beside the whole picture and the middle of it; whether the map's greatest value lies in the box. The class is the true one.
`deletion`: the area under the deletion curve of Grad-CAM and of the edge detector against chance on the same picture, for the
class the network sees first, with 95 % intervals. Chance is pixels in random order, whose gaps are noise that no picture ever
shows, and random places as coarse as Grad-CAM's own map.
"""

import argparse
import sys
import tempfile
from collections.abc import Iterator
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parents[2]))

import numpy as np
import torch
from torch.nn.functional import interpolate

import viz_core  # noqa: F401  (before anything that imports torchvision)
from viz_core import models
from viz_core.explain.boxes import Box, bounding_box, box_overlap, points_into
from viz_core.explain.many import game_area, interval, summary
from viz_core.explain.methods import METHODS
from viz_core.explain.segment import segment
from viz_core.images.intake import Picture
from viz_core.images.tensor import to_input, to_pixels
from viz_core.models.tiny_imagenet import SIDE, load_split

COARSE = 16  # pixels for each place of the last maps
MIDDLE = 0.7  # of each side: the box of a guess that looks at nothing


def pictures(data: Path, count: int, size: int) -> Iterator[tuple[torch.Tensor, int, Box]]:
    """Pictures (1, 3, size, size), their classes, and the boxes of their objects in the same pixels."""
    with tempfile.TemporaryDirectory() as cache:
        split = load_split(data, "val", Path(cache))
        for index in np.linspace(0, len(split) - 1, count).round().astype(int):
            pixels = split.images[index].permute(1, 2, 0).numpy()
            left, top, right, bottom = (
                value * size / SIDE for value in (split.boxes[index] + torch.tensor([0, 0, 1, 1])).tolist()
            )
            yield (
                to_input(Picture(pixels), size),
                int(split.labels[index]),
                tuple(map(round, (left, top, right, bottom))),
            )


def boxes(given: argparse.Namespace) -> None:
    """Print the mean overlap and the share of hits for each map."""
    network = models.load(given.model)
    size = network.input_size
    edge = round(size * (1 - MIDDLE) / 2)
    guesses = {"whole picture": (0, 0, size, size), "middle": (edge, edge, size - edge, size - edge)}
    overlaps: dict[str, list[float]] = {name: [] for name in (*guesses, *given.methods)}
    hits: dict[str, list[float]] = {name: [] for name in given.methods}
    empty = dict.fromkeys(given.methods, 0)
    for x, label, truth in pictures(given.data, given.count, size):
        for name, guess in guesses.items():
            overlaps[name].append(box_overlap(guess, truth))
        for name in given.methods:
            values = METHODS[name](network, x, label)
            found = bounding_box(segment(to_pixels(x), values))
            empty[name] += found is None
            overlaps[name].append(box_overlap(found, truth))
            hits[name].append(float(points_into(values, truth)))
    print(
        f"{network.name}, {given.count} pictures at {size} px; mean IoU of GrabCut's box with the true one, 95 % interval"
    )
    for name, values in overlaps.items():
        mean, low, high = interval(np.array(values))
        pointing = f"  points into the box {np.mean(hits[name]):.0%}  empty {empty[name]}" if name in hits else ""
        print(
            f"  {name:15} {mean:.3f} ({low:.3f} to {high:.3f})  above 0.5: {np.mean(np.array(values) > 0.5):.0%}{pointing}"
        )


def deletion(given: argparse.Namespace) -> None:
    """Print the mean areas and the paired differences to chance."""
    network, generator = models.load(given.model), torch.Generator().manual_seed(0)
    network, generator = models.load(given.model), torch.Generator().manual_seed(0)
    names, rows = ["pixels", "places", "gradcam", "edges"], []
    for x, _, _ in pictures(given.data, given.count, network.input_size):
        target = network.target_index(None, x)
        height, width = x.shape[-2:]
        coarse = torch.rand(1, 1, height // COARSE, width // COARSE, generator=generator)
        maps = [torch.rand(height, width, generator=generator).numpy()]
        maps += [interpolate(coarse, (height, width), mode="bilinear")[0, 0].numpy()]
        maps += [METHODS[name](network, x, target) for name in names[2:]]
        rows.append([game_area(network, x, target, values, "deletion", given.steps) for values in maps])
    print(f"{network.name}, {given.count} pictures, {given.steps} steps; area under the deletion curve, small is good")
    for control in names[:2]:
        for row in summary({"deletion": np.array(rows)}, names, control):
            print(
                "  {method:8} {deletion:.4f} ({deletion_low:.4f} to {deletion_high:.4f})  less than random {control} by "
                "{deletion_gain:.4f} ({deletion_gain_low:.4f} to {deletion_gain_high:.4f}): {deletion_verdict}".format(
                    control=control, **row
                )
            )


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    commands = parser.add_subparsers(required=True)
    for name, work, count in (("boxes", boxes, 200), ("deletion", deletion, 100)):
        command = commands.add_parser(name)
        command.add_argument("data", type=Path)
        command.add_argument("--count", type=int, default=count)
        command.add_argument("--model", default="bundled")
        command.add_argument("--steps", type=int, default=10)
        command.add_argument("--methods", nargs="+", choices=list(METHODS), default=list(METHODS))
        command.set_defaults(work=work)
    given = parser.parse_args()
    torch.set_num_threads(1)
    given.work(given)


if __name__ == "__main__":
    main()
