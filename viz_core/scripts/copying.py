"""Scripts that grow a texture from copied pixels: Efros & Leung 1999, Wei & Levoy 2000."""

from viz_core.generate.nearest_texture import GAUSS_SHARE, LEAST_REACH
from viz_core.generate.texture import Texture
from viz_core.generate.vector_tree import LEAF, LEAVES, ROUNDS
from viz_core.scripts.parts import fill

_EFROS_LEUNG = """
# Every window of the sample, ready to be compared with one that is known in part.
sample = np.ascontiguousarray(sample[0].permute(1, 2, 0).numpy())
side, window, random = $side, $window, np.random.default_rng($seed)
half, border = window // 2, $side + window - 1
views = np.lib.stride_tricks.sliding_window_view(sample, (window, window), axis=(0, 1))
known_windows = np.ascontiguousarray(views.transpose(0, 1, 3, 4, 2).reshape(-1, window * window * 3))
squares = (views**2).sum(2).reshape(-1, window * window)

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
        weights = bell(window) * known[place]
        weighted = (texture[place] * weights[..., None]).reshape(-1)
        constant = float((weighted * texture[place].reshape(-1)).sum())
        far = np.maximum(squares @ weights.reshape(-1) - 2 * (known_windows @ weighted) + constant, 0) / weights.sum()
        near = np.flatnonzero(far <= far.min() * 1.1)  # one of those at most a tenth worse than the best
        source = divmod(int(near[random.integers(len(near))]), views.shape[1])
        texture[row, column], known[row, column] = sample[source[0] + half, source[1] + half], True
result = texture[half : half + side, half : half + side].transpose(2, 0, 1)[None]
result = np.rint(255 * result) / np.float32(255)
"""
_BELL = """
# Weights (side, side) that fall with the distance from the middle.
def bell(side):
    line = np.exp(-((np.arange(side) - side // 2) ** 2) / (2 * (side / $share) ** 2))
    return np.outer(line, line).astype(np.float32)
"""
_WEI_LEVOY = """
sample = np.ascontiguousarray(sample[0].permute(1, 2, 0).numpy())
random, levels = np.random.default_rng($seed), $levels
samples, whole = [sample], -(-$side // 2 ** (levels - 1)) * 2 ** (levels - 1)  # a side that can be halved so often
for _ in range(levels - 1):  # each is half as large: the means of two by two pixels
    even = samples[-1][: len(samples[-1]) // 2 * 2, : samples[-1].shape[1] // 2 * 2]
    samples.append((even[::2, ::2] + even[1::2, ::2] + even[::2, 1::2] + even[1::2, 1::2]) / 4)

def around(pixels, places, offsets):  # the colours at the offsets from each place; the picture closes on itself
    at = places[:, None] + offsets[None]
    return pixels[at[..., 0] % pixels.shape[0], at[..., 1] % pixels.shape[1]].reshape(len(places), -1)

square, above = np.array([(y, x) for y in range(-2, 3) for x in range(-2, 3)]), None
for level in reversed(range(levels)):  # from coarse to fine, with windows that fit the size
    sample, length = samples[level], whole // 2**level
    reach = min($reach, max($least, $reach // 2**level))
    past = np.array([(y, x) for y in range(-reach, 1) for x in range(-reach, reach + 1) if (y, x) < (0, 0)])
    margin = 0 if above is None else 4  # of places that have all of their coarser self's surroundings
    height, width = (side // 2 * 2 if margin else side for side in sample.shape[:2])
    beside = max(reach, margin)
    places = np.mgrid[beside : height - margin, beside : width - beside].reshape(2, -1).T
    places = places if len(places) else np.mgrid[:height, :width].reshape(2, -1).T
    known = around(sample, places, past)
    if above is not None:
        known = np.hstack([known, around(samples[level + 1], places // 2, square)])
    nearest = $search
    start = places[random.integers(len(places), size=(length, length))]
    texture$chosen = sample[start[..., 0], start[..., 1]]$going_on
    for row, column in np.ndindex(length, length):  # in reading order: what comes before it decides on a pixel
        vector = around(texture, np.array([(row, column)]), past)[0]
        if above is not None:
            vector = np.concatenate([vector, around(above, np.array([(row // 2, column // 2)]), square)[0]])
        texture[row, column] = sample[tuple(places[$found])]
    above = texture
result = texture[: $side, : $side].transpose(2, 0, 1)[None]
result = np.rint(255 * result) / np.float32(255)
"""
_GOING_ON = """
# Which place to copy: of the nearest and of those that go on where the pixels beside this one come from, the one that fits
# best, where the squared distance of the nearest counts `slack` times.
def going_on(known, places, length, slack):
    copied, numbers = np.full((length, length), -1), {tuple(place): number for number, place in enumerate(places)}

    def chosen(nearest, vector, row, column):
        choice = [nearest]
        for y, x in ((0, -1), (-1, -1), (-1, 0), (-1, 1)):
            beside = copied[(row + y) % length, (column + x) % length]
            follower = tuple(places[beside] - (y, x))
            choice += [numbers[follower]] if beside >= 0 and follower in numbers else []
        far = ((known[choice] - vector) ** 2).sum(1)
        far[0] *= slack
        copied[row, column] = choice[int(far.argmin())]
        return copied[row, column]

    return chosen
"""
_ALL = """
# The nearest of vectors (N, D), found by trying all.
def search_all(vectors, random):
    plant(vectors, np.arange(len(vectors)), random, itertools.count())  # for as many random numbers as a tree takes
    squares = (vectors**2).sum(1)
    return lambda vector: int((squares - 2 * (vectors @ vector)).argmin())
"""
_TREE = """
# A plane half way between two points: its normal, and the product with it at the plane.
def plane(left, right):
    normal = right - left
    normal = normal / max(float(np.linalg.norm(normal)), 1e-12)
    return normal, float(normal @ (left + right) / 2)

# A tree over some of the vectors (N, D), split by two-means again and again: numbered forks, and leaves of indices.
def plant(vectors, members, random, numbers):
    number, chosen, right = next(numbers), vectors[members], None
    if len(members) > $leaf:
        means = chosen[random.choice(len(members), 2, replace=False)]
        for _ in range($rounds):
            normal, threshold = plane(*means)
            right = chosen @ normal > threshold
            if not 0 < right.sum() < len(members):
                return number, members
            means = np.stack([chosen[~right].mean(0), chosen[right].mean(0)])
    if right is None:
        return number, members
    children = [plant(vectors, members[side], random, numbers) for side in (~right, right)]
    return (number, *plane(chosen[~right].mean(0), chosen[right].mean(0)), *children)

# Nearly the nearest: the best of the most promising leaves, those whose borders were passed closest by.
def search_tree(vectors, random):
    vectors = np.ascontiguousarray(vectors, np.float32)
    squares, root = (vectors**2).sum(1), plant(vectors, np.arange(len(vectors)), random, itertools.count())

    def nearest(vector):
        waiting, best, index = [(0.0, root)], np.inf, -1
        for _ in range($leaves):
            if not waiting:
                break
            passed, node = heapq.heappop(waiting)
            while len(node) > 2:
                _, normal, threshold, *children = node
                beyond = float(vector @ normal) - threshold
                near, far = children[:: -1 if beyond > 0 else 1]
                heapq.heappush(waiting, (max(passed, abs(beyond)), far))
                node = near
            members = node[1]
            distances = squares[members] - 2 * (vectors[members] @ vector)
            place = int(distances.argmin())
            if distances[place] < best:
                best, index = distances[place], int(members[place])
        return index

    return nearest
"""


def copying_code(technique: Texture) -> tuple[str, str]:
    """The script that grows a texture from the `sample`, and its groundwork."""
    if technique.method == "efros-leung":
        code = fill(_EFROS_LEUNG, side=technique.side, window=2 * technique.reach + 1, seed=technique.seed)
        return code, fill(_BELL, share=GAUSS_SHARE)
    tree = technique.search == "tree"
    code = fill(
        _WEI_LEVOY,
        side=technique.side,
        reach=technique.reach,
        least=LEAST_REACH,
        levels=technique.levels,
        seed=technique.seed,
        search="search_tree(known, random)" if tree else "search_all(known, random)",
        chosen=", chosen" if technique.coherence else "",
        going_on=f", going_on(known, places, length, 1 + {technique.coherence!r} / 2**level)"
        if technique.coherence
        else "",
        found="chosen(nearest(vector), vector, row, column)" if technique.coherence else "nearest(vector)",
    )
    groundwork = [fill(_TREE, leaf=LEAF, rounds=ROUNDS, leaves=LEAVES)]
    groundwork += [] if tree else [fill(_ALL)]
    groundwork += [fill(_GOING_ON)] if technique.coherence else []
    return code, "\n\n".join(groundwork)
