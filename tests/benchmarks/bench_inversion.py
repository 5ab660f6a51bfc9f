"""How well inversion does, layer by layer: the features' relative error, the picture's distance, and the time.

    .venv/bin/python -m tests.benchmarks.bench_inversion [recipe] [model] [size] [picture ...]

The recipe is one of the presets ("faithful" unless told otherwise). The last lines say what was asked of it: more than
25 dB from the first stage, under 5 % of the features at mid depth, and errors of the picture that grow with depth.
"""

import sys
import time

from viz_core.generate.inversion import PRESETS, Inversion
from viz_core.technique import finish

PICTURES = ("sample:chelsea", "sample:coffee", "sample:astronaut")


def main(recipe: str = "faithful", model: str = "bundled", size: int = 64, *pictures: str) -> None:
    """Invert every depth of each picture and print a line for each."""
    firsts, middles, grows = [], [], []
    for picture in pictures or PICTURES:
        begin = time.process_time()
        technique = Inversion(model=model, image=picture, size=size, **PRESETS[recipe])
        rows = finish(technique.run()).tables["layers"]
        print(f"{picture}, {recipe}, {technique.steps} steps, {time.process_time() - begin:.0f} s of processor time")
        for row in rows:
            print(
                f"  {row['layer']:16} features off by {row['feature_error']:6.1%}   picture {row['psnr']:5.1f} dB",
                flush=True,
            )
        levels = [row["psnr"] for row in rows]
        firsts.append(levels[0])
        middles += [row["feature_error"] for row in rows[len(rows) // 2 - 1 : len(rows) // 2 + 1]]
        grows.append(levels == sorted(levels, reverse=True))
    print(f"from the first stage: {min(firsts):.1f} dB at least")
    print(f"at mid depth: features off by {max(middles):.1%} at most")
    print(f"the picture's error grows with depth: {sum(grows)} of {len(grows)} pictures")


if __name__ == "__main__":
    main(*sys.argv[1:3], *map(int, sys.argv[3:4]), *sys.argv[4:])
