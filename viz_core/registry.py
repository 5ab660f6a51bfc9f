"""All techniques by slug, found by importing every module of the section folders."""

import importlib
import pkgutil
from functools import cache

from viz_core.errors import ConvscopeError
from viz_core.technique import SECTIONS, Technique, registered


@cache
def techniques() -> dict[str, type[Technique]]:
    """Every technique, in the order of the sections and of the rooms within them."""
    for section in SECTIONS:
        package = importlib.import_module(f"viz_core.{section}")
        for module in pkgutil.iter_modules(package.__path__, f"{package.__name__}."):
            importlib.import_module(module.name)
    rooms = sorted(registered(), key=lambda kind: (SECTIONS.index(kind.section), kind.order, kind.slug))
    return {kind.slug: kind for kind in rooms}


def technique(slug: str) -> type[Technique]:
    """The technique with this slug; raises ConvscopeError that lists the known ones."""
    known = techniques()
    if slug not in known:
        raise ConvscopeError("recipe_errors.unknown_technique", slug=slug, known=", ".join(known))
    return known[slug]
