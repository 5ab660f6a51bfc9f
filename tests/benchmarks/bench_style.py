"""Loss against seconds: L-BFGS and Adam on the same style transfer, three pairs of pictures; texture and step times.

    python tests/benchmarks/bench_style.py [race pairs memory cost textures pass] [--evaluations 500] [--size 128] [--keep]

All parts where none are named. Prints how many evaluations L-BFGS needs to reach Adam's last loss; writes the curves of
the race as CSV and HTML and the sheets as PNG under `--out`; with `--keep` the race also becomes the chart on the page.
"""

import argparse
import csv
import json
import resource
import sys
import time
from collections.abc import Callable
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parents[2]))

import numpy as np
import plotly.graph_objects as go
import torch
from PIL import Image

from viz_core.generate.canvas import Pixels
from viz_core.generate.loop import Loop
from viz_core.generate.matching import MEGABYTE
from viz_core.generate.nearest_texture import efros_leung, wei_levoy
from viz_core.generate.optimiser import LBFGS, Adam, Optimiser
from viz_core.generate.style import Style
from viz_core.generate.style_network import StyleNetwork
from viz_core.generate.texture import Texture
from viz_core.images.render import grid
from viz_core.models.graph import GraphModel
from viz_core.technique import finish

PAIRS = (("chelsea", "strokes"), ("astronaut", "glass"), ("china", "ink"))
RATES = (0.03,)
RUN_STEPS = 20  # of the run whose steps are timed
KEPT_POINTS = 60  # of each curve on the page
RACE = Path(__file__).resolve().parents[2] / "assets" / "style_race.json"
SHEET = (*PAIRS, ("coffee", "waves"), ("flower", "strokes"), ("rocket", "tissue"))
Row = tuple[float, int, float]  # seconds of computing, evaluations, loss


def curve(pair: tuple[str, str], size: int, optimiser: Optimiser, evaluations: int) -> list[Row]:
    """Best loss so far after each step, until so many evaluations of loss and gradient are spent."""
    technique = Style(image=f"sample:{pair[0]}", style=f"sample:{pair[1]}", size=size, sizes=1)
    network, x = technique.network(), technique.input()
    box = None if isinstance(optimiser, LBFGS) else (0.0, 1.0)
    loop = Loop(network, Pixels(x, box), technique.objective(network, x), optimiser, relative=False)
    count, evaluate = [0], loop._evaluate  # what is known already is not computed again, and does not count

    def counted(network: GraphModel | None) -> torch.Tensor:
        count[0] += 1
        return evaluate(network)

    loop._evaluate = counted
    rows: list[Row] = []
    loop.evaluate()
    started, best, step = time.process_time(), float(loop.losses.sum()), 0
    while count[0] < evaluations:
        loop.move(step)
        loop.evaluate()
        step += 1
        best = min(best, float(loop.losses.sum()))
        rows.append((time.process_time() - started, count[0], best))
    return rows


def race(size: int, evaluations: int, out: Path, keep: bool) -> None:
    """The curves of all pairs, as a table and a chart, and the evaluations to equal loss."""
    chart, kept = go.Figure(), []
    with (out / "loss_against_seconds.csv").open("w", newline="") as file:
        writer = csv.writer(file)
        writer.writerow(("content", "style", "optimiser", "seconds", "evaluations", "loss"))
        for pair in PAIRS:
            runs = {f"Adam {rate}": curve(pair, size, Adam(rate), evaluations) for rate in RATES}
            runs["L-BFGS"] = curve(pair, size, LBFGS(), evaluations)
            for name, rows in runs.items():
                writer.writerows((*pair, name, *row) for row in rows)
                chart.add_scatter(x=[r[0] for r in rows], y=[r[2] for r in rows], name=f"{pair[0]} / {pair[1]}: {name}")
            adam = min((rows for name, rows in runs.items() if name != "L-BFGS"), key=lambda rows: rows[-1][2])
            reached = next((row for row in runs["L-BFGS"] if row[2] <= adam[-1][2]), None)
            told = f"{reached[1]} evaluations, {reached[0]:.1f} s" if reached else "not within the same evaluations"
            kept.append(
                {"content": pair[0], "style": pair[1], "adam": thinned(adam), "lbfgs": thinned(runs["L-BFGS"])}
                | {"reached": reached and reached[1], "evaluations": evaluations, "size": size}
            )
            print(
                f"{pair[0]} / {pair[1]}: Adam {adam[-1][2]:.4f} in {adam[-1][1]} evaluations, {adam[-1][0]:.1f} s; L-BFGS: {told}"
            )
    chart.update_xaxes(title="seconds of computing")
    chart.update_yaxes(title="best loss so far", type="log")
    chart.write_html(out / "loss_against_seconds.html", include_plotlyjs="cdn")
    if keep:
        RACE.write_text(json.dumps(kept) + "\n")


def thinned(rows: list[Row]) -> list[tuple[float, float]]:
    """Seconds and loss of a few of the rows, the last among them."""
    places = np.unique(np.geomspace(1, len(rows), KEPT_POINTS).round().astype(int)) - 1
    return [(round(rows[place][0], 2), float(f"{rows[place][2]:.4g}")) for place in places]


def pairs(size: int, out: Path) -> None:
    """Six paintings with the default settings at a size, as a sheet, with the time of each."""
    tiles = []
    for content, style in SHEET:
        started = time.perf_counter()
        result = finish(Style(image=f"sample:{content}", style=f"sample:{style}", size=size).run())
        print(f"{content} / {style} at {size} px: {time.perf_counter() - started:.1f} s", flush=True)
        tiles += [result.pictures["painting"]]
        Image.fromarray(grid(tiles, columns=3)).save(out / f"pairs_{size}.png")


def memory(size: int) -> None:
    """What a run says it needs, and how much the process grew by."""
    technique = Style(size=size, sizes=1, steps=4)
    technique.network()
    finish(Style(size=64, sizes=1, steps=2).run())
    before = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    finish(technique.run())
    grown = (resource.getrusage(resource.RUSAGE_SELF).ru_maxrss - before) / 1024
    print(f"memory at {size} px: {technique.memory() / MEGABYTE:.0f} MB said, {grown:.0f} MB more at the peak")


def step_cost(size: int) -> None:
    """An evaluation against a bare forward and backward pass of the same network, cut at the same layers, picture by picture.

    Once the loop alone, with Adam; once the whole run as people watch it: L-BFGS, previews, looks at who pulls where.
    """
    technique = Style(size=size, sizes=1, steps=RUN_STEPS + 1)
    network, x = technique.network(), technique.input()
    objective = technique.objective(network, x)
    loop = Loop(network, Pixels(x, by_pixel=True), objective, Adam(0.01), relative=False)
    evaluations, evaluate = [0], Loop._evaluate

    def counted(self: Loop, network: GraphModel | None) -> torch.Tensor:
        evaluations[0] += 1
        return evaluate(self, network)

    def bare(by_pixel: bool = False) -> None:
        leaf = x.clone().requires_grad_()
        seen = leaf.contiguous(memory_format=torch.channels_last) if by_pixel else leaf
        sum(v.sum() for v in network.activations(seen, objective.layers).values()).backward()

    def step() -> None:
        loop.move(0)
        loop.evaluate()

    def seconds(work: Callable[[], object]) -> float:
        started = time.perf_counter()
        work()
        return time.perf_counter() - started

    Loop._evaluate = counted
    run = technique.run()
    rounds = (bare, lambda: bare(by_pixel=True))
    for work in (*rounds, step, lambda: next(run)):
        work()
    pairs = [[seconds(work) for work in (*rounds, step)] for _ in range(RUN_STEPS)]
    evaluations[0] = 0
    watched = [[seconds(work) for work in (*rounds, lambda: next(run))] for _ in range(RUN_STEPS)]
    Loop._evaluate = evaluate
    for name, timed, each in (("loop", pairs, 1.0), ("run", watched, evaluations[0] / RUN_STEPS)):
        plain, fast, ours = np.array(timed).sum(0) / RUN_STEPS
        print(
            f"{name} at {x.shape[-2]} x {x.shape[-1]}: {ours / each:.3f} s an evaluation ({each:.2f} a step); bare {plain:.3f} s, "
            f"ratio {ours / each / plain:.3f}; bare, channels together {fast:.3f} s, ratio {ours / each / fast:.3f}"
        )


def textures(out: Path) -> None:
    """Gram distances of the methods on three samples, and the time of copying 128 px from 64 px."""
    for name in ("brick", "grass", "gravel"):
        result = finish(Texture(image=f"sample:{name}", side=128, steps=100).run())
        shares = {key.removeprefix("gram distance: "): f"{value:.2%}" for key, value in result.scores.items()}
        print(f"{name}: {shares}")
        Image.fromarray(result.pictures["image"]).save(out / f"texture_{name}.png")
    sample = Texture(image="sample:brick").input()[0].permute(1, 2, 0).numpy()
    for title, growing in (
        ("Efros and Leung", efros_leung(sample, 128, 128, 11, np.random.default_rng(0))),
        ("Wei and Levoy", wei_levoy(sample, 128, 128, 11, 3, np.random.default_rng(0))),
    ):
        started = time.perf_counter()
        for _ in growing:
            pass
        print(f"{title}: 128 px from 64 px in {time.perf_counter() - started:.1f} s")


@torch.inference_mode()
def one_pass() -> None:
    """Painting 512 x 512 pixels with a style network of the usual width."""
    network, x = StyleNetwork(3), torch.rand(1, 3, 512, 512)
    network(x)
    started = time.perf_counter()
    network(x)
    print(f"one pass at 512 x 512: {time.perf_counter() - started:.2f} s")


def main() -> None:
    """Run what is asked for and say where the files are."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("parts", nargs="*", metavar="part")
    parser.add_argument("--evaluations", type=int, default=500)
    parser.add_argument("--size", type=int, default=128)
    parser.add_argument("--keep", action="store_true")
    parser.add_argument("--out", type=Path, default=Path("out/bench_style"))
    options = parser.parse_args()
    options.out.mkdir(parents=True, exist_ok=True)
    parts = {
        "pass": one_pass,
        "cost": lambda: step_cost(options.size),
        "memory": lambda: memory(options.size),
        "pairs": lambda: pairs(options.size, options.out),
        "textures": lambda: textures(options.out),
        "race": lambda: race(options.size, options.evaluations, options.out, options.keep),
    }
    for name, part in parts.items():
        if not options.parts or name in options.parts:
            part()
    print(options.out)


if __name__ == "__main__":
    main()
