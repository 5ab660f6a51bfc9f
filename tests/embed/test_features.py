"""The store of vectors: what is read again, what is added, what is skipped, and what a full disk costs."""

import resource
import signal

import numpy as np
import pytest
import torch
from PIL import Image

from viz_core.embed.features import Describer, extract
from viz_core.embed.store import Records, key_of, vector_records
from viz_core.errors import ConvscopeError
from viz_core.images.datasets import open_dataset
from viz_core.images.picture_set import PictureSet
from viz_core.models import load

NETWORK, LAYER, SIDE = "random:squeezenet1_1", "features.2", 64


@pytest.fixture(autouse=True)
def _own_cache(tmp_path, monkeypatch):
    monkeypatch.setenv("CONVSCOPE_CACHE", str(tmp_path / "cache"))


@pytest.fixture
def folder(tmp_path):
    noise = np.random.default_rng(0)
    (tmp_path / "set").mkdir()
    for number in range(80):
        save(tmp_path / "set", f"{number:02}", noise)
    (tmp_path / "set" / "99.png").write_bytes(b"no picture")
    return tmp_path / "set"


def save(folder, name, noise):
    Image.fromarray(noise.integers(0, 255, (24, 24, 3), np.uint8)).save(folder / f"{name}.png")


def opened(folder, counted: list[int]) -> PictureSet:
    """The folder as a set that writes down which members are read."""
    kept = open_dataset(f"folder:{folder}")

    def reading(index, enough):
        counted.append(index)
        return kept.load(index, enough)

    return PictureSet(kept.name, kept.digest, kept.titles, kept.label_of, reading, members=kept.members)


def drained(passing, most=1000):
    """The features, or None if the pass is ended after `most` yields."""
    for _ in range(most):
        try:
            next(passing)
        except StopIteration as end:
            return end.value[LAYER]
    passing.close()
    return None


def test_a_stopped_pass_goes_on_where_it_was(folder):
    network, first, second = load(NETWORK), [], []
    assert drained(extract(network, opened(folder, first), [LAYER], SIDE), most=3) is None
    resumed = drained(extract(network, opened(folder, second), [LAYER], SIDE))
    assert len(resumed.pictures) == 80
    assert sorted(second) == [*range(64, 80), 80], (
        "two batches of 32 were kept; the rest, and the broken file, are read"
    )
    again: list[int] = []
    whole = drained(extract(network, opened(folder, again), [LAYER], SIDE))
    assert again == [80]
    np.testing.assert_array_equal(whole.values, resumed.values)


def test_new_pictures_are_added_and_the_old_ones_not_read(folder):
    network = load(NETWORK)
    before = drained(extract(network, opened(folder, []), [LAYER], SIDE))
    save(folder, "05b", np.random.default_rng(7))
    counted: list[int] = []
    after = drained(extract(network, opened(folder, counted), [LAYER], SIDE))
    assert counted == [6, 81]
    assert after.pictures.tolist() == list(range(81))
    np.testing.assert_array_equal(np.delete(after.values, 6, axis=0), before.values)


def test_broken_files_are_skipped_counted_and_listed(folder):
    pictures = open_dataset(f"folder:{folder}")
    assert 80 not in drained(extract(load(NETWORK), pictures, [LAYER], SIDE)).pictures
    assert [one.title for one in pictures.skipped] == ["99.png"]


def test_vectors_lie_on_disk_in_half_precision(folder):
    values = drained(extract(load(NETWORK), open_dataset(f"folder:{folder}"), [LAYER], SIDE)).values
    assert values.dtype == np.float16
    assert isinstance(values, np.memmap)


def test_several_layers_in_one_pass_equal_one_at_a_time(folder, tmp_path, monkeypatch):
    network, pictures = load(NETWORK), open_dataset(f"folder:{folder}")
    single = drained(extract(network, pictures, [LAYER], SIDE))
    monkeypatch.setenv("CONVSCOPE_CACHE", str(tmp_path / "other"))
    passing = extract(network, pictures, ["features.0", LAYER], SIDE)
    both = drained(passing)
    np.testing.assert_array_equal(both.values, single.values)


def test_out_of_memory_halves_the_batch():
    network = load(NETWORK)
    x, keys = torch.rand(11, 3, 32, 32), [bytes([number] * 16) for number in range(11)]
    expected = Describer(network, [LAYER])(keys, x)

    class Small:
        device, layer_names, seen = network.device, network.layer_names, []

        def activations(self, x, layers):
            self.seen.append(len(x))
            if len(x) > 3:
                raise RuntimeError("DefaultCPUAllocator: not enough memory")
            return network.activations(x, layers)

    describing = Describer(Small(), [LAYER])
    found = describing(keys, x)
    assert describing.batch == 2
    assert sum(Small.seen) == 11 + 5 + 11, "two batches were too large, then every picture was seen once"
    for name, rows in expected.items():
        np.testing.assert_array_equal(rows["key"], found[name]["key"])
    np.testing.assert_allclose(
        expected[LAYER]["vector"].astype(np.float32), found[LAYER]["vector"].astype(np.float32), atol=1e-3
    )


def test_any_other_error_is_not_hidden():
    class Broken:
        device, layer_names = torch.device("cpu"), ("fc",)

        def activations(self, x, layers):
            raise RuntimeError("shapes do not fit")

    with pytest.raises(RuntimeError, match="do not fit"):
        Describer(Broken(), ["fc"])([b"0" * 16] * 4, torch.rand(4, 3, 8, 8))


@pytest.fixture
def disk_of():
    """Let files grow to so many bytes and no further, as on a full disk."""
    before, handler = resource.getrlimit(resource.RLIMIT_FSIZE), signal.signal(signal.SIGXFSZ, signal.SIG_IGN)
    yield lambda size: resource.setrlimit(resource.RLIMIT_FSIZE, (size, before[1]))
    resource.setrlimit(resource.RLIMIT_FSIZE, before)
    signal.signal(signal.SIGXFSZ, handler)


def test_a_full_disk_costs_only_the_keeping(folder, disk_of):
    disk_of(50_000)
    features = drained(extract(load(NETWORK), open_dataset(f"folder:{folder}"), [LAYER], SIDE))
    assert len(features.values) == 80
    assert np.isfinite(features.values).all()


def test_half_a_record_at_the_end_is_cut_off():
    kind = vector_records(3)
    rows = np.zeros(2, kind)
    rows["key"] = np.frombuffer(key_of("a") + key_of("b"), "V16")
    rows["vector"] = [[1, 2, 3], [4, 5, 6]]
    Records(kind, "x").add(rows)
    path = Records(kind, "x").path
    path.write_bytes(path.read_bytes()[:-5])
    assert len(Records(kind, "x").rows()) == 1
    Records(kind, "x").add(rows[1:])
    kept = Records(kind, "x")
    assert kept.places() == {key_of("a"): 0, key_of("b"): 1}
    np.testing.assert_array_equal(kept.rows()["vector"], rows["vector"])


def test_a_set_of_which_nothing_can_be_read_gets_a_sentence(tmp_path):
    (tmp_path / "bad").mkdir()
    Image.new("RGB", (3, 3)).save(tmp_path / "bad" / "tiny.png")
    with pytest.raises(ConvscopeError, match="could be read"):
        drained(extract(load(NETWORK), open_dataset(f"folder:{tmp_path / 'bad'}"), [LAYER], SIDE))
