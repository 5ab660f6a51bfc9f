"""Torch's initialisers draw from the process's random state; here they borrow it and give it back untouched."""

import threading
from collections.abc import Iterator
from contextlib import contextmanager

import torch

_borrowed = threading.Lock()


@contextmanager
def private_random_state(seed: int) -> Iterator[None]:
    """Within it random numbers are those after `torch.manual_seed(seed)`; afterwards the state is as before."""
    with _borrowed, torch.random.fork_rng(devices=[]):
        torch.random.default_generator.manual_seed(seed)
        yield
