"""How many CPUs a container gives."""

from pathlib import Path

import pytest
import torch

from viz_core.models import device


@pytest.mark.parametrize(
    ("quota", "bound", "cpus"),
    [("max 100000", 8, 8), ("200000 100000", 8, 2), ("50000 100000", 8, 1), ("900000 100000", 4, 4), ("", 3, 3)],
)
def test_cpus_are_those_the_container_may_use(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path, quota: str, bound: int, cpus: int
) -> None:
    (tmp_path / "cpu.max").write_text(quota)
    monkeypatch.setattr(device, "CGROUP", tmp_path)
    monkeypatch.setattr(device.os, "sched_getaffinity", lambda process: set(range(bound)), raising=False)
    assert device.available_cpus() == cpus


def test_the_device_has_a_name_for_people() -> None:
    assert device.device_title(torch.device("cpu")) == "CPU"
    assert device.set_cpu_threads() == torch.get_num_threads() <= device.MAX_THREADS
