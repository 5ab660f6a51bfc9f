"""How easily the twins are fooled: any picture to a random class, and PGD of growing strength.

    .venv/bin/python -m tests.benchmarks.bench_fooling [count] [folder of pictures]

Without a folder the pictures are those that ship. Everything is counted on pictures rounded to 8 bits.
"""

import sys

import numpy as np

from viz_core.generate.fooling import STRENGTH_STEPS, STRENGTHS, Fooling
from viz_core.images.datasets import open_dataset
from viz_core.images.intake import Picture
from viz_core.images.refs import keep_upload
from viz_core.images.tensor import to_pixels
from viz_core.models.load import BUNDLED
from viz_core.technique import finish

SIDE = 96
ATTACKED = 20  # pictures for the second part


def main(count: int = 50, folder: str | None = None) -> None:
    """Print the success of both attacks."""
    pictures = open_dataset(f"folder:{folder}" if folder else "builtin")
    places = np.unique(np.linspace(0, len(pictures) - 1, count).round().astype(int)).tolist()
    refs = [
        keep_upload(Picture(to_pixels(x[None])))
        for _, batch in pictures.batches(SIDE, 8, indices=places)
        for x in batch
    ]
    found = [
        finish(Fooling(image=ref, seed=number, steps=100, confidence=0.0).run()).scores
        for number, ref in enumerate(refs)
    ]
    fooled = sum(scores["fooled"] == "True" for scores in found)
    linf, l2, steps = (float(np.median([scores[name] for scores in found])) for name in ("linf", "l2", "steps"))
    print(
        f"to a random class, standard twin: {fooled} of {len(found)} within 100 steps; in the median {steps:.0f} steps,"
    )
    print(f"largest change {linf:.1f} of 255, length {l2:.2f}")
    print(f"PGD, {STRENGTH_STEPS} steps, away from what is seen, share of {len(refs[:ATTACKED])} pictures fooled:")
    for model in BUNDLED[:2]:
        shares = []
        for epsilon in STRENGTHS:
            attack = {"attack": "pgd", "aim": "away", "epsilon": epsilon, "steps": STRENGTH_STEPS}
            scores = [finish(Fooling(model=model, image=ref, **attack).run()).scores for ref in refs[:ATTACKED]]
            shares.append(sum(one["fooled"] == "True" for one in scores) / len(scores))
        said = ", ".join(f"{epsilon:g}: {share:.0%}" for epsilon, share in zip(STRENGTHS, shares, strict=True))
        print(f"  {model:16} ε of 255 {said}", flush=True)


if __name__ == "__main__":
    main(*map(int, sys.argv[1:2]), *sys.argv[2:])
