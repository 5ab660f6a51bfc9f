"""What a run held is given back when it has ended."""

import ctypes
import gc
import resource
from pathlib import Path

import pytest
import torch

from viz_core.generate.class_image import ClassImage
from viz_core.generate.deepdream import DeepDream
from viz_core.generate.fooling import Fooling
from viz_core.generate.inversion import Inversion
from viz_core.jobs import Scheduler

SMALL = {"model": "bundled-random", "size": 32, "steps": 3}
RUNS = {
    "class image": lambda seed: ClassImage(**SMALL, seed=seed),
    "dream": lambda seed: DeepDream(**SMALL, octaves=2, seed=seed),
    "fooling": lambda seed: Fooling(**SMALL, attack="pgd", aim="away", seed=seed),
    "inversion": lambda seed: Inversion(**SMALL, layers=("stage2.relu1",), seed=seed),
}


def held() -> tuple[int, int]:
    """Bytes in tensors that are still there, and bytes of the process in memory."""
    gc.collect()
    ctypes.CDLL(None).malloc_trim(0)
    tensors = sum(one.nbytes for one in gc.get_objects() if type(one) is torch.Tensor)
    pages = int(Path("/proc/self/statm").read_text().split()[1])
    return tensors, pages * resource.getpagesize()


@pytest.mark.skipif(not Path("/proc/self/statm").exists(), reason="needs Linux")
@pytest.mark.parametrize("kind", sorted(RUNS))
def test_memory_returns_after_ten_runs(kind):
    scheduler = Scheduler(keep_jobs=2, idle_s=3600)
    for seed in range(13):
        if seed == 3:  # what is loaded and kept once is there
            before = held()
        job = scheduler.submit("somebody", RUNS[kind](seed).run, f"{kind}:{seed}")
        while scheduler.turn():
            pass
        assert job.state == "done"
        del job
    tensors, process = (now - was for now, was in zip(held(), before, strict=True))
    print(f"{kind}: tensors {tensors / 2**20:+.2f} MiB, process {process / 2**20:+.2f} MiB after ten more runs")
    assert tensors < 2**20
    assert process < 24 * 2**20
