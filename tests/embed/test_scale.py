"""More than one machine: a real Milvus server and a real Ray cluster of two workers find what is found here."""

import numpy as np
import pytest
from PIL import Image

from tests.serving import milvus
from viz_core.__main__ import main
from viz_core.embed.milvus import MilvusStore
from viz_core.embed.neighbours import Neighbours
from viz_core.embed.ray_engine import until_lost
from viz_core.embed.search import nearest
from viz_core.embed.store import vector_records
from viz_core.errors import ConvscopeError
from viz_core.technique import finish

NETWORK = "random:squeezenet1_1"


@pytest.fixture(scope="module")
def server(tmp_path_factory):
    """A Milvus server in a process of its own; its address."""
    with milvus(tmp_path_factory.mktemp("milvus")) as address:
        yield address


@pytest.fixture
def folder(tmp_path, monkeypatch):
    monkeypatch.setenv("CONVSCOPE_CACHE", str(tmp_path / "cache"))
    noise = np.random.default_rng(0)
    (tmp_path / "set").mkdir()
    for number in range(40):
        Image.fromarray(noise.integers(0, 255, (24, 24, 3), np.uint8)).save(tmp_path / "set" / f"{number:02}.png")
    (tmp_path / "set" / "99.png").write_bytes(b"no picture")
    return tmp_path / "set"


def test_the_data_base_finds_what_is_found_here(server):
    numbers = np.random.default_rng(0)
    vectors = numbers.normal(size=(2000, 48)).astype(np.float32)
    keys = [int(number).to_bytes(16, "big") for number in range(2000)]
    store = MilvusStore(server, 48, "test")
    assert store.add(keys[:1500], vectors[:1500]) == 1500
    assert store.add(keys, vectors) == 500, "what is there is not sent again"
    for query in numbers.normal(size=(20, 48)).astype(np.float32):
        found, far = store.nearest(query, 10)
        expected, truly = nearest(query, vectors, 10)
        assert [int.from_bytes(key, "big") for key in found] == expected.tolist()
        np.testing.assert_allclose(far, truly, atol=1e-3)
    store.close()


def test_the_room_searches_the_data_base_of_the_settings(server, folder, monkeypatch):
    technique = Neighbours(model=NETWORK, dataset=f"folder:{folder}", size=64, query=3, k=5)
    here = finish(technique.run())
    monkeypatch.setenv("CONVSCOPE_MILVUS", server)
    there = finish(technique.run())
    assert not there.scores["exact"]
    np.testing.assert_array_equal(there.arrays["features_indices"], here.arrays["features_indices"])
    (folder / "03.png").rename(folder / "aa.png")
    (folder / "07.png").unlink()
    fewer = finish(technique.model_copy(update={"query": 36}).run())
    gone = [row["title"] for row in fewer.tables["features"]]
    assert len(gone) == 5
    assert "07.png" not in gone, "what has left the set is not found any more"


def test_a_data_base_that_does_not_answer_gets_a_sentence():
    with pytest.raises(ConvscopeError, match="does not answer"):
        MilvusStore("http://127.0.0.1:9", 4, "test")


def test_rays_client_gets_a_sentence(folder, capsys):
    arguments = ["embed", "--data", str(folder), "--model", NETWORK, "--engine", "ray", "--address", "ray://head:10001"]
    assert main(arguments) == 2
    assert "HOST:6379" in capsys.readouterr().err


def test_a_cluster_that_fails_in_the_middle_gets_a_sentence():
    from ray.exceptions import RayError

    def failing():
        yield {"path": ["a.png"]}
        raise RayError("a worker was lost")

    batches = until_lost(failing())
    assert next(batches) == {"path": ["a.png"]}
    with pytest.raises(ConvscopeError, match="a worker was lost"):
        next(batches)


@pytest.mark.timeout(600)  # opening a cluster takes minutes on a busy machine
def test_two_workers_describe_what_is_described_here(folder, tmp_path, monkeypatch, capfd):
    import ray

    options = ["--data", str(folder), "--model", NETWORK, "--layer", "features.2", "--size", "64"]
    assert main(["embed", *options]) == 0
    assert "99.png" in capfd.readouterr().err
    here = kept(tmp_path / "cache")
    monkeypatch.setenv("CONVSCOPE_CACHE", str(tmp_path / "other"))
    try:
        assert main(["embed", *options, "--engine", "ray", "--workers", "2"]) == 0
        told = capfd.readouterr()
        assert "99.png" in told.err
        assert "40 pictures" in told.out
        there = kept(tmp_path / "other")
    finally:
        ray.shutdown()
    assert sorted(here) == sorted(there)
    for key, record in here.items():
        np.testing.assert_allclose(record, there[key], rtol=2e-3, atol=1e-3)


def kept(cache) -> dict[bytes, np.ndarray]:
    """The vectors in a store by key, each once."""

    files = sorted((cache / "features").glob("*.records"), key=lambda path: path.stat().st_size)
    kind = vector_records(64)
    (file,) = [path for path in files if path.stat().st_size == 40 * kind.itemsize]
    rows = np.fromfile(file, kind)
    return {row["key"].tobytes(): row["vector"].astype(np.float32) for row in rows}
