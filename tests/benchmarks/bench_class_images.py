"""Class images with the L2 prior alone: the probability the network gives to each of twenty classes' pictures.

    .venv/bin/python -m tests.benchmarks.bench_class_images [recipe] [model] [size]

The recipe is one of the presets ("simonyan" unless told otherwise); the classes are every tenth of the network's 200.
"""

import sys
import time

from viz_core.generate.class_image import PRESETS, ClassImage
from viz_core.technique import finish

CLASSES = tuple(range(3, 200, 10))
WANTED = 0.9


def main(recipe: str = "simonyan", model: str = "bundled-robust", size: int = 64) -> None:
    """Paint the classes and print a line for each."""
    sure = 0
    begin = time.process_time()
    for index in CLASSES:
        technique = ClassImage(**PRESETS[recipe] | {"model": model, "size": size, "target": index})
        (row,) = finish(technique.run()).tables["pictures"]
        sure += row["probability"] > WANTED
        print(f"{row['class']:24} {row['probability']:7.1%}   score {row['score']:5.1f}", flush=True)
    seconds = (time.process_time() - begin) / len(CLASSES)
    print(
        f"{sure} of {len(CLASSES)} classes above {WANTED:.0%}; {technique.steps} steps, {seconds:.0f} s of processor time each"
    )


if __name__ == "__main__":
    main(*sys.argv[1:3], *map(int, sys.argv[3:]))
