"""What is wrong with a parameter, as one sentence for people."""

from pydantic import BaseModel, ValidationError

from viz_core.errors import ConvscopeError

_SENTENCES = {
    "greater_than_equal": "at_least",
    "greater_than": "more_than",
    "less_than_equal": "at_most",
    "less_than": "less_than",
    "literal_error": "one_of",
    "int_parsing": "whole_number",
    "int_type": "whole_number",
    "int_from_float": "whole_number",
    "float_parsing": "number",
    "float_type": "number",
    "bool_parsing": "yes_or_no",
    "extra_forbidden": "unknown_field",
    "missing": "missing",
}


def explain(error: ValidationError, model: type[BaseModel]) -> ConvscopeError:
    """The first problem of a validation as a ConvscopeError that names the field, the value and what is allowed."""
    problem = error.errors()[0]
    field = ".".join(str(part) for part in problem["loc"]) or model.__name__
    cause = problem.get("ctx", {}).get("error")
    if isinstance(cause, ConvscopeError):
        return cause
    name = _SENTENCES.get(problem["type"])
    if name is None:
        return ConvscopeError("recipe_errors.invalid", field=field, problem=problem["msg"])
    context = {key: value for key, value in problem.get("ctx", {}).items() if key != "error"}
    known = ", ".join(model.model_fields)
    return ConvscopeError(f"recipe_errors.{name}", field=field, value=problem["input"], known=known, **context)
