"""How well inversion does, layer by layer: the features' relative error, the picture's distance, and the time.

    .venv/bin/python -m tests.benchmarks.bench_inversion [recipe] [model] [size] [picture ...]

The recipe is one of the presets ("faithful" unless told otherwise). The last lines say what was asked of it: more than
25 dB from the first stage, under 5 % of the features at mid depth (the middle one of all ReLUs), and errors of the picture
that grow with depth.
"""

import sys
import time

from viz_core.generate.inversion import PRESETS, Inversion
from viz_core.technique import finish

PICTURES = ("sample:chelsea", "sample:coffee", "sample:astronaut")


def middle_of(technique: Inversion) -> str:
    """The middle one of the network's ReLUs."""
    relus = [layer.name for layer in technique.network().layers() if layer.kind == "ReLU"]
    return relus[len(relus) // 2]


def main(recipe: str = "faithful", model: str = "bundled", size: int = 64, *pictures: str) -> None:
    """Invert every depth of each picture and print a line for each."""
    firsts, middles, all_levels, grows = [], [], [], []
    for picture in pictures or PICTURES:
        begin = time.process_time()
        technique = Inversion(model=model, image=picture, size=size, **PRESETS[recipe])
        middle = middle_of(technique)
        depths = {*technique.depths(), middle}
        layers = tuple(name for name in technique.network().layer_names if name in depths)
        technique = technique.model_copy(update={"layers": layers})
        rows = finish(technique.run()).tables["layers"]
        print(f"{picture}, {recipe}, {technique.steps} steps, {time.process_time() - begin:.0f} s of processor time")
        for row in rows:
            print(
                f"  {row['layer']:16} features off by {row['feature_error']:6.1%}   picture {row['psnr']:5.1f} dB",
                flush=True,
            )
        levels = [row["psnr"] for row in rows]
        firsts.append(levels[0])
        all_levels.append(levels)
        middles += [row["feature_error"] for row in rows if row["layer"] == middle]
        grows.append(levels == sorted(levels, reverse=True))
    print(f"from the first stage: {min(firsts):.1f} dB at least")
    print(f"at mid depth, {middle}: features off by {max(middles):.1%} at most")
    means = [sum(level) / len(level) for level in zip(*all_levels, strict=True)]
    told = "at every step" if means == sorted(means, reverse=True) else "not at every step"
    print(f"the picture's error grows with depth: {sum(grows)} of {len(grows)} pictures; in the mean of all {told}:")
    print(f"  {' '.join(f'{mean:.1f}' for mean in means)} dB")


if __name__ == "__main__":
    main(*sys.argv[1:3], *map(int, sys.argv[3:4]), *sys.argv[4:])
