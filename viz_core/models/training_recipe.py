"""What a training run did, as data for the model card: its configuration, how far it went, and the runs it went on from."""

from typing import Any


def recipe_of(state: dict[str, Any]) -> dict[str, Any]:
    """The recipe of a run from its checkpoint; `history` holds the recipes of the runs before it, the first one first."""
    config = state["config"]
    return config | {
        "steps": state["step"],
        "pictures": state["step"] * config["batch"],
        "progress": round(state["progress"], 3),
        "minutes_trained": round(state["minutes"], 1),
        "history": state["history"],
    }


def with_history(recipe: dict[str, Any]) -> list[dict[str, Any]]:
    """The runs before this recipe and the recipe itself, the first one first."""
    alone = {key: value for key, value in recipe.items() if key != "history"}
    return [*recipe.get("history", []), alone]
