"""Where the numbers are computed: the accelerator if there is one, and as many CPU threads as we really have."""

import functools
import os
from pathlib import Path

import torch

MAX_THREADS = 16


CGROUP = Path("/sys/fs/cgroup")


def _cgroup_cpus() -> float:
    """The CPU quota of the container, in CPUs; infinity where none is set."""
    try:
        quota, period = (CGROUP / "cpu.max").read_text().split()
    except (OSError, ValueError):
        return float("inf")
    return float("inf") if quota == "max" else int(quota) / int(period)


def available_cpus() -> int:
    """CPUs this process may use: those it is bound to, within the container's quota."""
    bound = len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1
    return max(1, round(min(bound, _cgroup_cpus())))


@functools.cache
def set_cpu_threads() -> int:
    """Give torch one thread per available CPU (torch counts the host's cores, even in a small container).

    Done once, and not at all where OMP_NUM_THREADS says how many. Gives the number of threads.
    """
    if not os.environ.get("OMP_NUM_THREADS"):
        torch.set_num_threads(min(available_cpus(), MAX_THREADS))
    return torch.get_num_threads()


def default_device() -> torch.device:
    """CUDA if there is one, else the CPU."""
    set_cpu_threads()
    return torch.device("cuda" if torch.cuda.is_available() else "cpu")


def device_title(device: torch.device) -> str:
    """The device as people know it: the name of the graphics card, or `CPU`."""
    return torch.cuda.get_device_name(device) if device.type == "cuda" else device.type.upper()
