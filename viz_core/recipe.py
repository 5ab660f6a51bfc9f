"""A recipe: a technique, its parameters and the digests of its inputs, as JSON; the same recipe makes the same picture."""

import hashlib
import json
from typing import Any

from pydantic import BaseModel, ConfigDict, ValidationError

from viz_core import __version__
from viz_core.errors import ConvscopeError

LARGEST_RECIPE = 64 * 1024


class Recipe(BaseModel):
    """What made a result: technique, parameters, digest of the weights and of the picture, version of Convscope."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    technique: str
    parameters: dict[str, Any]
    weights: str
    picture: str
    convscope: str = __version__

    def to_json(self) -> str:
        """One line of JSON with sorted keys, the same for equal recipes."""
        return json.dumps(self.model_dump(), sort_keys=True, ensure_ascii=False)

    @property
    def digest(self) -> str:
        """Name of the result this recipe makes: 32 hexadecimal digits."""
        return hashlib.blake2b(self.to_json().encode(), digest_size=16).hexdigest()


def parse(content: str) -> Recipe:
    """The recipe in a JSON text; raises ConvscopeError where it is none or from another major version."""
    if len(content) > LARGEST_RECIPE:
        raise ConvscopeError("recipe_errors.not_a_recipe")
    try:
        return Recipe.model_validate_json(content)
    except ValidationError as error:
        raise ConvscopeError("recipe_errors.not_a_recipe") from error
