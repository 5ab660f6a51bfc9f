"""Every room's script with the settings the room opens with: how many lines, and how far its array is from the engine's.

    python tests/benchmarks/bench_scripts.py [slug ...]

The tests do the same with few steps and small pictures, for more settings. What takes minutes here are the trainings.
"""

import contextlib
import io
import sys
import tempfile
import time
import zipfile
from pathlib import Path

import numpy as np
import torch

sys.path.insert(0, str(Path(__file__).resolve().parents[2]))

from viz_core.registry import technique, techniques
from viz_core.scripts.parts import line_count
from viz_core.scripts.script import Script, script_for
from viz_core.technique import finish


def run_alone(script: Script) -> np.ndarray:
    """What the script saves, run in a folder of its own with the files it comes with."""
    with tempfile.TemporaryDirectory() as folder:
        with zipfile.ZipFile(io.BytesIO(script.bundle())) as archive:
            archive.extractall(folder)
        sys.path.insert(0, folder)
        sys.modules.pop("helper", None)  # of another script
        relu = torch.nn.functional.relu
        try:
            code = compile((Path(folder) / "script.py").read_text(encoding="utf-8"), "script.py", "exec")
            with (
                contextlib.chdir(folder),
                contextlib.redirect_stdout(io.StringIO()),
                torch.random.fork_rng(devices=[]),
            ):
                exec(code, {})
            return np.load(Path(folder) / script.saved_as)
        finally:
            torch.nn.functional.relu = relu  # a script may have replaced it
            sys.path.remove(folder)


def main(*slugs: str) -> None:
    """One line for each room, and the largest difference of all."""
    worst = 0.0
    for slug in slugs or tuple(techniques()):
        began, chosen = time.monotonic(), technique(slug)()
        script = script_for(chosen)
        expected = script.part_of(finish(chosen.run()).arrays)
        apart = float(np.abs(run_alone(script) - expected).max()) / max(1.0, float(np.abs(expected).max()))
        worst = max(worst, apart)
        lines = line_count(script.code.split('"""', 2)[2])
        print(f"{slug:17} {lines:3} lines, {apart:.1e} apart, {time.monotonic() - began:6.1f} s", flush=True)
    print(f"largest difference, as a share of the largest value where that is above 1: {worst:.1e}")


if __name__ == "__main__":
    main(*sys.argv[1:])
