"""What the garbage collection need not look at again."""

import gc
from functools import cache


@cache
def set_loaded_aside() -> None:
    """Take what is loaded by now out of the garbage collection, once.

    Streamlit collects after every run of a page. Going through all that torch and the like have loaded takes a tenth
    of a second of computing, in which no other thread runs.
    """
    gc.collect()
    gc.freeze()
