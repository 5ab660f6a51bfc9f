"""The map as a script: principal components, t-SNE by openTSNE, UMAP by umap-learn."""

from viz_core.embed.map import Map
from viz_core.embed.projection import KEPT_AT, chunk, neighbours_for
from viz_core.images.datasets import open_dataset
from viz_core.scripts.parts import compose, fill, set_files, value
from viz_core.scripts.script import Script
from viz_core.scripts.vectors import arranged_code, graph_code, plane_code, vectors_code

OBEYED = ("dataset", "method", "layer", "size", "flat", "perplexity", "exaggeration", "steps", "neighbours", "min_dist")
_PCA = """
# Principal components: the directions in which the vectors differ most.
centred = known - known.mean(axis=0)
_, _, directions = np.linalg.svd(centred, full_matrices=False)
directions = directions[:2]
largest = np.abs(directions).argmax(axis=1)  # the sign of a direction is free: its largest part is positive
directions *= np.sign(directions[[0, 1], largest])[:, None]
result = (centred @ directions.T).astype(np.float32)
"""
_TSNE = """
# From the principal components on, neighbours attract each other and all others push apart.
places, far = neighbour_graph(known, $width)
result = arranged(plane(known), places, far, $perplexity, $exaggeration, $steps).astype(np.float32)
"""
_UMAP = """
# From the principal components on, the nearest $others others of each picture, itself among them, attract it.
start = plane(known)
places, far = neighbour_graph(known, $width)
itself, others = np.arange(len(known))[:, None], min($others, len(known) - 1) - 1
places = np.concatenate([itself, places[:, :others]], axis=1)
far = np.concatenate([np.zeros_like(itself, np.float32), far[:, :others]], axis=1)
mapper = UMAP(n_neighbors=places.shape[1], min_dist=$min_dist, init=2.5 * start / max(float(start[:, 0].std()), 1e-12),
              random_state=$seed, n_jobs=1, precomputed_knn=(places, far), force_approximation_algorithm=True)
result = mapper.fit_transform(np.zeros((len(known), 1), np.float32)).astype(np.float32)
"""


def write(technique: Map) -> Script:
    """Where every picture lies on the map."""
    network, pictures = technique.network(), open_dataset(technique.dataset)
    layer, side, count = technique.chosen_layer(), technique.side(), len(pictures)
    width = max(neighbours_for(technique.perplexity, count), min(max(technique.neighbours, KEPT_AT), count - 1))
    start = {"pca": "", "tsne": plane_code() + "\n\n" + graph_code(), "umap": plane_code() + "\n\n" + graph_code()}
    arranging = "\n\n" + arranged_code(chunk(count)) if technique.method == "tsne" else ""
    values = {name: getattr(technique, name) for name in ("perplexity", "exaggeration", "steps", "min_dist", "seed")}
    body = {"pca": _PCA, "tsne": _TSNE, "umap": _UMAP}[technique.method]
    code = vectors_code(value(network, layer), side, technique.flat) + fill(
        body, width=width, others=technique.neighbours, **values
    )
    files = set_files(pictures, range(count), side)
    groundwork = start[technique.method] + arranging
    return compose(technique, "map", code, layers=(layer,), files=files, groundwork=groundwork)
