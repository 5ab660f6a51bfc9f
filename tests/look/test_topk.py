"""Running records against plain sorting, in one go, in batches and merged from parts."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from viz_core.look.topk import NOTHING, Record, Tally, TopK


def by_sorting(values: np.ndarray, k: int) -> np.ndarray:
    """Numbers of the k greatest values of each column, by Python's own stable sort."""
    columns = [sorted(range(len(column)), key=lambda i: -column[i])[:k] for column in values.T]
    return np.array(columns).T


def maps(seed: int, pictures: int, channels: int) -> np.ndarray:
    """Small integers, so that there are many ties."""
    return np.random.default_rng(seed).integers(-4, 5, (pictures, channels)).astype(np.float32)


@settings(max_examples=40, deadline=None)
@given(st.integers(0, 10_000), st.integers(1, 60), st.integers(1, 7), st.integers(1, 9), st.integers(1, 20))
def test_batches_give_what_sorting_gives(seed, pictures, channels, k, batch):
    values = maps(seed, pictures, channels)
    places = np.random.default_rng(seed + 1).integers(0, 99, values.shape)
    top = TopK.empty(k, channels)
    for start in range(0, pictures, batch):
        part = slice(start, start + batch)
        top = top.add(values[part], np.arange(pictures)[part], places[part])
    expected = by_sorting(values, k)
    found = top.images[: len(expected)]
    np.testing.assert_array_equal(found, expected)
    np.testing.assert_array_equal(top.values[: len(expected)], np.take_along_axis(values, expected, 0))
    np.testing.assert_array_equal(top.places[: len(expected)], np.take_along_axis(places, expected, 0))
    assert (top.images[len(expected) :] == NOTHING).all()


@settings(max_examples=25, deadline=None)
@given(st.integers(0, 10_000), st.integers(2, 50))
def test_parts_merge_in_any_order(seed, pictures):
    values = maps(seed, pictures, 3)
    places = np.zeros(values.shape, np.int64)
    numbers = np.arange(pictures)
    cut = pictures // 2
    whole = TopK.empty(5, 3).add(values, numbers, places)
    first = TopK.empty(5, 3).add(values[:cut], numbers[:cut], places[:cut])
    second = TopK.empty(5, 3).add(values[cut:], numbers[cut:], places[cut:])
    for merged in (first.merge(second), second.merge(first)):
        np.testing.assert_array_equal(merged.images, whole.images)


def test_what_is_no_number_never_wins():
    values = np.array([[np.nan], [1.0], [2.0]], np.float32)
    top = TopK.empty(2, 1).add(values, np.arange(3), np.zeros((3, 1), np.int64))
    assert top.of(0) == [(2.0, 2, 0), (1.0, 1, 0)]


@settings(max_examples=40, deadline=None)
@given(st.integers(0, 10_000), st.integers(1, 80), st.floats(-8, 8))
def test_the_histogram_counts_what_numpy_counts(seed, count, exponent):
    random = np.random.default_rng(seed)
    values = (random.normal(size=(count, 2)) * 2.0**exponent * random.choice([0.0, 1.0, 8.0], (count, 2))).astype(
        np.float32
    )
    whole, parts = Tally.empty(2), Tally.empty(2)
    whole = whole.add(values)
    for value in values:
        parts = parts.merge(Tally.empty(2).add(value[None]))
    np.testing.assert_array_equal(whole.counts, parts.counts)
    for channel in range(2):
        counts, edges = whole.of(channel)
        np.testing.assert_array_equal(np.histogram(values[:, channel], edges)[0], counts)
        assert counts.sum() == count


def test_a_record_survives_being_written_down():
    random = np.random.default_rng(0)
    extremes = [(random.normal(size=(9, 4)).astype(np.float32), random.integers(0, 16, (9, 4))) for _ in range(2)]
    record = Record.empty(3, 4).add(np.arange(9), *extremes)
    again = Record.from_arrays(record.to_arrays())
    assert again.seen == 9
    for name, array in record.to_arrays().items():
        np.testing.assert_array_equal(array, again.to_arrays()[name])
    assert record.least.of(1)[0][0] == pytest.approx(-extremes[1][0][:, 1].min())
