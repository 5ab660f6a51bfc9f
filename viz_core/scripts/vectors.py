"""What the scripts of the embeddings share: a set of pictures and the vectors of a layer."""

from viz_core.scripts.parts import fill

BATCH = 32

_VECTORS = """
def vectors(pixels):  # what the layer says of pictures (N, H, W, 3)$told
    see(torch.from_numpy(np.ascontiguousarray(pixels.transpose(0, 3, 1, 2), np.float32) / np.float32(255)))
    answers = $answers
    return $vectors.numpy()

files = sorted(Path("pictures").glob("*.png"))  # as the network sees them: squares of $side pixels
pixels = np.stack([np.asarray(Image.open(file)) for file in files])
known = np.concatenate([vectors(pixels[start : start + $batch]) for start in range(0, len(files), $batch)])
known = known.astype(np.float16).astype(np.float64)  # they are kept in half precision
"""


def vectors_code(answers: str, side: int, flat: bool) -> str:
    """The code that describes the set: `known`, (pictures, channels), or with every position, (pictures, numbers)."""
    mean = "(answers.flatten(2).mean(dim=2) if answers.dim() > 2 else answers)"
    vectors, told = ("answers.flatten(1)", "") if flat else (mean, ": the mean over the places of its maps")
    return fill(_VECTORS, answers=answers, side=side, batch=BATCH, vectors=vectors, told=told) + "\n\n"
