"""Networks of one architecture that differ only in how they were trained: the same run on each shows what learning did."""

from viz_core.models.bundled import ASSETS, TWINS

RANDOM = "random:"


def bundled_twins() -> tuple[str, ...]:
    """The bundled networks whose weights are there: standard, robust, random."""
    there = [twin for twin in TWINS if (ASSETS / f"{twin}.safetensors").exists()]
    return tuple("bundled" if twin == "standard" else f"bundled-{twin}" for twin in there)


def twins(model: str) -> tuple[str, ...]:
    """The twins of a network, itself among them: the bundled ones, or torchvision's learnt and untrained weights."""
    if model.startswith("bundled"):
        return bundled_twins()
    plain = model.removeprefix(RANDOM)
    return (plain, RANDOM + plain)
