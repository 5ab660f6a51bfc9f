"""Textures by copying, against implementations that follow the papers pixel by pixel and loop over everything."""

import numpy as np
import pytest

from viz_core.generate.nearest_texture import efros_leung, frontier, pyramid, reach_at, wei_levoy
from viz_core.generate.vector_tree import VectorTree


@pytest.fixture
def sample() -> np.ndarray:
    rows, columns = np.mgrid[:16, :16]
    stripes = 0.5 + 0.4 * np.sin(rows + 0.7 * columns)
    noise = np.random.default_rng(5).uniform(0, 0.2, (16, 16, 3))
    return (0.8 * stripes[..., None] + noise).astype(np.float32)


def last(growing):
    *_, grown = growing
    return grown


def naive_efros_leung(sample, height, width, side, random):
    """Every distance by a loop over the pixels known; the same random numbers in the same order."""
    half, picture, known = side // 2, np.zeros((height, width, 3)), np.zeros((height, width), bool)
    source = np.full((height, width, 2), -1)
    top, left = (int(random.integers(0, length - 3 + 1)) for length in sample.shape[:2])
    for row, column in np.ndindex(3, 3):
        at = (row + (height - 3) // 2, column + (width - 3) // 2)
        picture[at], known[at], source[at] = sample[top + row, left + column], True, (top + row, left + column)
    sigma = side / 6.4
    while not known.all():
        border = np.zeros((height + 2 * half, width + 2 * half), bool)
        border[half : half + height, half : half + width] = known
        inside = np.zeros_like(border)
        inside[half : half + height, half : half + width] = True
        for row, column in frontier(border, inside, random) - half:
            errors = {}
            for y in range(half, sample.shape[0] - half):
                for x in range(half, sample.shape[1] - half):
                    error = total = 0.0
                    for dy in range(-half, half + 1):
                        for dx in range(-half, half + 1):
                            r, c = row + dy, column + dx
                            if 0 <= r < height and 0 <= c < width and known[r, c]:
                                weight = np.exp(-(dy**2 + dx**2) / (2 * sigma**2))
                                error += weight * ((picture[r, c] - sample[y + dy, x + dx]) ** 2).sum()
                                total += weight
                    errors[y, x] = error / total
            least = min(errors.values())
            near = [place for place, error in errors.items() if error <= least * 1.1]
            y, x = near[random.integers(len(near))]
            picture[row, column], known[row, column], source[row, column] = sample[y, x], True, (y, x)
    return picture, source


@pytest.mark.parametrize("seed", [0, 1])
def test_efros_leung_equals_the_naive_reference(sample, seed):
    ours = last(efros_leung(sample, 14, 15, 5, np.random.default_rng(seed)))
    picture, source = naive_efros_leung(sample, 14, 15, 5, np.random.default_rng(seed))
    np.testing.assert_array_equal(ours.source, source)
    np.testing.assert_array_equal(ours.picture, picture.astype(np.float32))


def test_each_pixel_is_the_one_its_source_names(sample):
    for growing in (
        efros_leung(sample, 20, 20, 5, np.random.default_rng(0)),
        wei_levoy(sample, 20, 20, 5, 1, np.random.default_rng(0)),
    ):
        grown = last(growing)
        assert grown.known.all()
        np.testing.assert_array_equal(grown.picture, sample[grown.source[..., 0], grown.source[..., 1]])


def test_growth_can_be_watched_and_never_forgets(sample):
    done = [grown.done for grown in efros_leung(sample, 20, 20, 5, np.random.default_rng(0), every=16)]
    assert done == sorted(done)
    assert len(done) > 10
    assert done[-1] == 400


BEFORE = ((0, -1), (-1, -1), (-1, 0), (-1, 1))


def naive_wei_levoy(sample, length, random, coarse=None, coherence=0.0):
    """One size with windows of 5 x 5 in reading order, by loops; the texture closes on itself, the sample does not.

    `coarse`: the sample and the texture at half the size, whose 5 x 5 pixels around the coarser self are compared too.
    Going on where a neighbour was copied from is preferred where the nearest is not better by 1 + coherence.
    """
    height, width = sample.shape[:2]
    top, beside, below = (2, 2, 0) if coarse is None else (4, 4, 4)
    places = [(y, x) for y in range(top, height - below) for x in range(beside, width - beside)]
    start = random.integers(len(places), size=(length, length))
    picture = np.array([[sample[places[index]] for index in row] for row in start])
    square = [(dy, dx) for dy in range(-2, 3) for dx in range(-2, 3)]

    def far(texture, at, picture, place, offsets):
        side = len(texture)
        colours = [texture[(at[0] + dy) % side, (at[1] + dx) % side] for dy, dx in offsets]
        wanted = [picture[place[0] + dy, place[1] + dx] for dy, dx in offsets]
        return sum(((ours - theirs) ** 2).sum() for ours, theirs in zip(colours, wanted, strict=True))

    copied = {}
    for row, column in np.ndindex(length, length):

        def error(place, row=row, column=column):
            error = far(picture, (row, column), sample, place, [offset for offset in square if offset < (0, 0)])
            if coarse is not None:
                small, above = coarse
                error += far(above, (row // 2, column // 2), small, (place[0] // 2, place[1] // 2), square)
            return error

        def beside(y, x, row=row, column=column):
            return (row + y) % length, (column + x) % length

        best = min(places, key=error)
        following = [(copied[spot][0] - y, copied[spot][1] - x) for y, x in BEFORE if (spot := beside(y, x)) in copied]
        following = [place for place in following if place in places]
        if coherence and following and min(map(error, following)) < error(best) * (1 + coherence):
            best = min(following, key=error)
        copied[row, column] = best
        picture[row, column] = sample[best]
    return picture


def test_wei_levoy_equals_the_naive_reference_at_one_size(sample):
    ours = last(wei_levoy(sample, 12, 12, 5, 1, After(), exact=True))
    expected = naive_wei_levoy(sample, 12, After().start)
    np.testing.assert_allclose(ours.picture, expected, atol=1e-6)


def test_wei_levoy_equals_the_naive_reference_at_two_sizes(sample):
    ours = last(wei_levoy(sample, 12, 12, 5, 2, After(), exact=True))
    random, small = After().start, pyramid(sample, 2)[1]
    coarse = naive_wei_levoy(small, 6, random)
    expected = naive_wei_levoy(sample, 12, random, (small, coarse))
    np.testing.assert_allclose(ours.picture, expected, atol=1e-6)


def test_going_on_where_neighbours_come_from_equals_the_naive_reference(sample):
    ours = last(wei_levoy(sample, 12, 12, 5, 1, After(), exact=True, coherence=2.0))
    expected = naive_wei_levoy(sample, 12, After().start, coherence=2.0)
    np.testing.assert_allclose(ours.picture, expected, atol=1e-6)


def test_coherence_copies_larger_pieces(sample):
    def broken(coherence):
        source = last(wei_levoy(sample, 32, 32, 5, 2, np.random.default_rng(0), coherence=coherence)).source
        return float((np.diff(source[..., 1], axis=1) != 1).mean())

    assert broken(2.0) < 0.7 * broken(0.0)


def test_windows_get_smaller_with_the_sample():
    assert [reach_at(level, 11) for level in range(4)] == [5, 2, 2, 2]
    assert reach_at(2, 3) == 1


class After:
    """Random numbers for both: the tree is planted with numbers of its own, the start of the texture with others."""

    def __init__(self):
        self.start, self.tree = np.random.default_rng(7), np.random.default_rng(8)

    def integers(self, *args, **kwargs):
        return self.start.integers(*args, **kwargs)

    def choice(self, *args, **kwargs):
        return self.tree.choice(*args, **kwargs)


def test_the_tree_finds_nearly_the_nearest():
    random = np.random.default_rng(0)
    vectors = random.normal(size=(3000, 2)) @ random.normal(size=(2, 60)) + 0.1 * random.normal(size=(3000, 60))
    vectors = vectors.astype(np.float32)
    tree = VectorTree(vectors, random)
    queries = vectors[::50] + 0.05 * random.normal(size=(60, 60)).astype(np.float32)
    distances = ((queries[:, None].astype(float) - vectors[None]) ** 2).sum(2)
    exact = [tree.nearest_of_all(query) for query in queries]
    assert exact == distances.argmin(1).tolist()
    found = np.array([tree.nearest(query) for query in queries])
    ratio = np.sqrt(distances[np.arange(60), found] / distances.min(1))
    assert np.median(ratio) < 1.05
    assert (found == distances.argmin(1)).mean() > 0.7


def test_the_pyramid_halves_by_means():
    picture = np.arange(4 * 6 * 3, dtype=np.float32).reshape(4, 6, 3)
    fine, coarse = pyramid(picture, 2)
    assert fine is picture
    np.testing.assert_allclose(coarse[1, 2], picture[2:4, 4:6].mean((0, 1)))
