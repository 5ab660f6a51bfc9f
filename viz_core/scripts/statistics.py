"""How scripts measure a style: a summary of a layer's answers that forgets places, and a distance."""

from viz_core.scripts.parts import fill

_GRAM = """
def summary(maps):  # which channels answer together, wherever that is: the Gram matrix
    flat = maps.flatten(2)
    return flat @ flat.transpose(1, 2) / flat.shape[2]
"""
_MEAN_VARIANCE = """
def summary(maps):  # mean and standard deviation of every channel
    share = 1 / (maps.shape[2] * maps.shape[3])
    average = (maps * share).sum((2, 3))
    variance = ((maps - average[..., None, None]).square() * share).sum((2, 3))
    return torch.stack([average, (variance + 1e-8).sqrt()], 1)
"""
_DISTANCE = """
def far(summary, target):  # as a share of the target's size
    return (summary - target).square().flatten(1).sum(1) / target.square().flatten(1).sum(1).clamp_min(1e-8)
"""
SUMMARIES = {"gram": _GRAM, "mean-variance": _MEAN_VARIANCE}


def statistic_code(name: str) -> str:
    """The functions `summary` and `far`."""
    return fill(SUMMARIES[name]) + "\n\n" + fill(_DISTANCE) + "\n\n"


def answers_code(answers: list[str]) -> str:
    """What watched layers answer, as one list: by their names where each is used once."""
    if all(answer.count("[") == 1 for answer in answers):
        return "[seen[name] for name in [" + ", ".join(answer[5:-1] for answer in answers) + "]]"
    return "[" + ", ".join(answers) + "]"
