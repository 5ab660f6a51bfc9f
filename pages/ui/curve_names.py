"""What people read for the curves of a run: the engine calls them `clips: score 18`."""

from pages.ui.language import language, t
from pages.ui.sidebar import model_label
from viz_core.models.load import BUNDLED
from viz_core.technique import Result
from viz_core.texts import catalogue

TERMS = ("log probability", "score", "distance in", "style in", "strength of", "guide in", "direction in")


def whole_names() -> dict[str, str]:
    """Names, or parts of one before or after a colon, by what the engine calls them."""
    labels = {
        key.rpartition(".")[2]: label
        for key, label in catalogue(language()).items()
        if key.startswith(("live.curves.", "trust.methods.", "texture.options.method."))  # a curve for each method
    }
    return labels | {name: model_label(name) for name in BUNDLED}


def terms() -> dict[str, str]:
    """The terms of an objective, by what the engine calls them."""
    return {term: t(f"live.terms.{term.replace(' ', '_')}") for term in TERMS}


def objective_name(objective: str) -> str:
    """An objective with its terms in the language of the page."""
    for term, label in terms().items():
        objective = objective.replace(term, label)
    return objective


def curve_name(name: str) -> str:
    """A curve in the language of the page."""
    known = whole_names()
    return ": ".join(known.get(part) or objective_name(part) for part in name.split(": "))


def curves_of(result: Result) -> dict[str, list[float]]:
    """The curves that a result holds, by what people read for them."""
    held = {
        name.removeprefix("curve: "): values for name, values in result.arrays.items() if name.startswith("curve: ")
    }
    return {curve_name(name): values.tolist() for name, values in held.items()}
