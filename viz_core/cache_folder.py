"""Where Convscope keeps files between runs."""

import os
from pathlib import Path


def cache_folder() -> Path:
    """The folder CONVSCOPE_CACHE names, or `~/.cache/convscope`."""
    return Path(os.environ.get("CONVSCOPE_CACHE") or Path.home() / ".cache" / "convscope")
