"""The pass over many pictures as a script."""

from viz_core.images.datasets import open_dataset
from viz_core.look.patches import BATCH, KEPT, Patches, default_layer
from viz_core.look.recording import visiting_order
from viz_core.scripts.parts import compose, fill, set_files, value
from viz_core.scripts.script import Script

OBEYED = ("layer", "channel", "dataset", "pictures", "sort", "also", "count", "first")
_BODY = """
files = sorted(Path("pictures").glob("*.png"))  # as the network sees them: squares of $side pixels
greatest, places = [], []
for start in range(0, len(files), $batch):
    pixels = np.stack([np.asarray(Image.open(file)) for file in files[start : start + $batch]])
    see(torch.tensor(pixels).permute(0, 3, 1, 2).float() / 255)
    answers = $maps.flatten(2)  if $maps.dim() > 2 else $maps[..., None]
    greatest.append(answers.amax(2).numpy())
    places.append(answers.argmax(2).numpy())

# The $kept pictures that excite each channel most, greatest first.
greatest, places = np.concatenate(greatest), np.concatenate(places)
best = np.argsort(-greatest, axis=0, kind="stable")[:$kept]
result = np.take_along_axis(greatest, best, axis=0)  # ($kept, channels)
for channel in np.argsort(-result[0])[:8]:
    print("channel", channel, "likes most", [files[number].name for number in best[:3, channel]])
"""


def write(technique: Patches) -> Script:
    """The greatest answers of every channel."""
    network, pictures = technique.network(), open_dataset(technique.dataset)
    side = technique.size or network.input_size
    layer = network.resolve_layer(technique.layer or default_layer(network))
    visited = visiting_order(len(pictures))[: technique.visited(pictures)]
    body = fill(_BODY, side=side, batch=BATCH, kept=KEPT, maps=value(network, layer))
    files = set_files(pictures, visited.tolist(), side)
    return compose(technique, "values", body, layers=(layer,), files=files)
