"""Texture as a script: by the statistics of a network's layers, or by copying pixels (Efros & Leung)."""

from viz_core.generate.style_statistics import layer_shares, style_layers
from viz_core.generate.texture import NOISE, Texture
from viz_core.scripts.parts import compose, fill, value
from viz_core.scripts.script import Script, beyond
from viz_core.scripts.statistics import SUMMARIES, answers_code, statistic_code
from viz_core.scripts.steps import clamp_code, step_code, step_groundwork

OBEYED = (
    *("method", "zoom", "side", "reach", "steps", "layers", "layer_weights", "optimiser", "levels", "search"),
    *("rate", "seed"),
)
_SAMPLE = """
whole = picture("picture.png", $large)
top, left = ((length - $size) // 2 for length in whole.shape[-2:])
sample = whole[..., top : top + $size, left : left + $size]
"""
_MATCH = """
def style_answers():  # of the layers that say what the texture is
    return $answers

see(sample)
targets = [summary(answers) for answers in style_answers()]
shares = $shares

# Noise about the sample's mean colour, changed until the layers have the same statistics.
noise = torch.randn((1, 3, $side, $side), generator=torch.Generator().manual_seed($seed))
values = (sample.mean((2, 3), keepdim=True) + $spread * noise).clamp(0, 1).requires_grad_()

def losses():
    values.grad = None
    see(values)
    parts = zip(shares, style_answers(), targets)
    loss = sum(share * far(summary(answers), target) for share, answers, target in parts)
    loss.sum().backward()
    return loss.detach()

losses()
step = $step
for _ in range($steps):
    step()
    $clamp
    losses()
result = values.detach().clamp(0, 1).numpy()
"""
_COPY = """
# Every window of the sample, ready to be compared with one that is known in part.
sample = np.ascontiguousarray(sample[0].permute(1, 2, 0).numpy())
side, window, random = $side, $window, np.random.default_rng($seed)
half, border = window // 2, $side + window - 1
views = np.lib.stride_tricks.sliding_window_view(sample, (window, window), axis=(0, 1))
known_windows = np.ascontiguousarray(views.transpose(0, 1, 3, 4, 2).reshape(-1, window * window * 3))
squares = (views**2).sum(2).reshape(-1, window * window)
bell = np.exp(-((np.arange(window) - half) ** 2) / (2 * (window / 6.4) ** 2))
bell = np.outer(bell, bell).astype(np.float32)

# Grow from a piece of 3 x 3 pixels, those with most known neighbours first.
texture, known = np.zeros((border, border, 3), np.float32), np.zeros((border, border), bool)
top, left = (int(random.integers(0, length - 2)) for length in sample.shape[:2])
middle = half + (side - 3) // 2
texture[middle : middle + 3, middle : middle + 3] = sample[top : top + 3, left : left + 3]
known[middle : middle + 3, middle : middle + 3] = True
inside = np.zeros_like(known)
inside[half : half + side, half : half + side] = True
while True:
    padded = np.pad(known, 1).astype(int)
    around = sum(padded[1 + y : 1 + y + border, 1 + x : 1 + x + border] for y in (-1, 0, 1) for x in (-1, 0, 1))
    ring = np.argwhere(inside & ~known & (around > 0))
    if not len(ring):
        break
    ring = ring[random.permutation(len(ring))]
    for row, column in ring[np.argsort(-around[ring[:, 0], ring[:, 1]], kind="stable")]:
        place = np.s_[row - half : row + half + 1, column - half : column + half + 1]
        weights = bell * known[place]
        weighted = (texture[place] * weights[..., None]).reshape(-1)
        constant = float((weighted * texture[place].reshape(-1)).sum())
        far = np.maximum(squares @ weights.reshape(-1) - 2 * (known_windows @ weighted) + constant, 0) / weights.sum()
        near = np.flatnonzero(far <= far.min() * 1.1)  # one of those at most a tenth worse than the best
        source = divmod(int(near[random.integers(len(near))]), views.shape[1])
        texture[row, column], known[row, column] = sample[source[0] + half, source[1] + half], True
result = texture[half : half + side, half : half + side].transpose(2, 0, 1)[None]
result = np.rint(255 * result) / np.float32(255)
"""


def write(technique: Texture) -> Script:
    """The texture; of all methods side by side, the one of Gatys and others."""
    size = technique.size or technique.network().input_size
    method = "gram" if technique.method == "side-by-side" else technique.method
    start = fill(_SAMPLE, large=round(size * technique.zoom), size=size) + "\n\n"
    place = technique.methods.index(method)  # type: ignore[arg-type]
    part, pictures = (slice(place, place + 1),), {"picture.png": technique.image}
    if method == "efros-leung":
        body = start + fill(_COPY, side=technique.side, window=2 * technique.reach + 1, seed=technique.seed)
        return compose(technique, "image", body, part=part, pictures=pictures, network_too=False)
    if method not in SUMMARIES:
        raise beyond("method")
    network, name = technique.network(), technique.optimiser
    layers = tuple(network.resolve_layer(layer) for layer in technique.layers) or style_layers(network)
    body = fill(
        _MATCH,
        answers=answers_code([value(network, layer, layers) for layer in layers]),
        shares=list(layer_shares(layers, technique.layer_weights)),
        side=technique.side,
        seed=technique.seed,
        spread=NOISE,
        steps=technique.steps,
        step=step_code(name, technique.rate),
        clamp=clamp_code(name),
    )
    body = statistic_code(method) + start + body
    groundwork = step_groundwork(name)
    return compose(technique, "image", body, part=part, pictures=pictures, layers=layers, groundwork=groundwork)
