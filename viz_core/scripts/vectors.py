"""What the scripts of the embeddings share: a set of pictures, the vectors of a layer, and the graph of their neighbours."""

from viz_core.embed.search import neighbour_graph
from viz_core.scripts.parts import borrowed, fill

BATCH = 32

_VECTORS = """
def vectors(pixels):  # what the layer says of pictures (N, H, W, 3)$told
    see(torch.tensor(pixels).permute(0, 3, 1, 2).float() / 255)
    answers = $answers
    return $vectors.numpy()

files = sorted(Path("pictures").glob("*.png"))  # as the network sees them: squares of $side pixels
pixels = np.stack([np.asarray(Image.open(file)) for file in files])
known = np.concatenate([vectors(pixels[start : start + $batch]) for start in range(0, len(files), $batch)])
known = known.astype(np.float16).astype(np.float64)  # they are kept in half precision
"""
_TSNE = """
def arranged(start, places, far, perplexity, exaggeration, steps):  # by t-SNE, from a very small map on
    k = max(1, min(int(3 * perplexity), len(start) - 1))
    nearest = PrecomputedNeighbors(places[:, :k], far[:, :k].astype(np.float64))
    alike = affinity.PerplexityBasedNN(perplexity=k / 3, knn_index=nearest, n_jobs=1)
    points = TSNEEmbedding(start / max(float(start[:, 0].std()), 1e-12) * 1e-4, alike, random_state=0, n_jobs=1)
    for done in range(0, steps, $chunk):  # in the first quarter alike ones attract each other more
        pull = {"exaggeration": exaggeration, "momentum": 0.5} if done < 0.25 * steps else {"momentum": 0.8}
        points = points.optimize(n_iter=min($chunk, steps - done), **pull)
    return np.array(points)
"""
_PLANE = """
def plane(vectors):  # their first two principal components: the directions in which they differ most
    solver = "full" if min(vectors.shape) < 500 else "randomized"
    return PCA(2, svd_solver=solver, random_state=0).fit_transform(vectors.astype(np.float64))
"""


def vectors_code(answers: str, side: int, flat: bool) -> str:
    """The code that describes the set: `known`, (pictures, channels), or with every position, (pictures, numbers)."""
    mean = "(answers.flatten(2).mean(dim=2) if answers.dim() > 2 else answers)"
    vectors, told = ("answers.flatten(1)", "") if flat else (mean, ": the mean over the places of its maps")
    return fill(_VECTORS, answers=answers, side=side, batch=BATCH, vectors=vectors, told=told) + "\n\n"


def graph_code() -> str:
    """`neighbour_graph(vectors, k)`: places and distances of each vector's nearest others."""
    return borrowed(neighbour_graph)


def plane_code() -> str:
    """`plane(vectors)`: where a map begins."""
    return fill(_PLANE)


def arranged_code(chunk: int) -> str:
    """`arranged(start, places, far, perplexity, exaggeration, steps)`: t-SNE."""
    return fill(_TSNE, chunk=chunk)
