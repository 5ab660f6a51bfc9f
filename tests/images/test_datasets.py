import dataclasses
import functools
import hashlib
import http.server
import inspect
import io
import itertools
import os
import resource
import tarfile
import threading
import time
import urllib.error
import urllib.request
import zipfile
from concurrent.futures import ThreadPoolExecutor

import numpy as np
import pytest
import torch
from PIL import Image
from sklearn.datasets import load_digits
from torchvision import datasets

from tests.images.hostile import Upload, photo, saved
from tests.images.hostile_zips import zipped, zips
from viz_core.errors import ConvscopeError
from viz_core.images import samples, torchvision_sets, zip_set
from viz_core.images.datasets import PictureSet, keep_zip, label_title, names, open_dataset, square
from viz_core.images.intake import Picture, load_image
from viz_core.images.picture_set import digest_of
from viz_core.images.samples import sample
from viz_core.texts import catalogue, has_text


def refusal(action, *arguments) -> ConvscopeError:
    with pytest.raises(ConvscopeError) as refused:
        action(*arguments)
    english, korean = refused.value.sentence("en"), refused.value.sentence("ko")
    assert english != korean
    assert not {"{", "}"} & set(english + korean)
    return refused.value


def shade(level: int, kind: str = "PNG", side: int = 16) -> bytes:
    return saved(Image.new("RGB", (side, side), (level, level, level)), kind)


@pytest.fixture
def folder(tmp_path):
    for name in ("dog/b.png", "cat/a.jpg", "cat/deep/c.webp", "한글/라.png"):
        file = tmp_path / name
        file.parent.mkdir(parents=True, exist_ok=True)
        file.write_bytes(shade(len(name) * 5, {"jpg": "JPEG", "webp": "WEBP"}.get(name[-3:].strip("."), "PNG")))
    (tmp_path / "notes.txt").write_text("hello")
    (tmp_path / ".hidden.png").write_bytes(b"")
    return tmp_path


def counting(count: int, slow: float = 0.0) -> PictureSet:
    def load(index: int, _enough: int) -> Picture:
        time.sleep(slow * (index % 3))
        if index % 10 == 7:
            raise ConvscopeError("image_errors.broken")
        return Picture(np.full((8, 8, 3), index, np.uint8))

    return PictureSet("counting", digest_of(["counting"]), tuple(map(str, range(count))), None, load)


def test_the_sentences_exist_in_both_languages():
    for namespace in ("dataset_errors.", "datasets."):
        keys = [{key for key in catalogue(lang) if key.startswith(namespace)} for lang in ("en", "ko")]
        assert keys[0] == keys[1]
        assert keys[0]


def test_the_built_in_set_is_large_labelled_and_the_same_every_time():
    built_in = open_dataset("builtin")
    assert 1500 <= len(built_in) <= 2500
    assert len(built_in.labels) >= 30
    again = digest_of(built_in.read(index).digest for index in range(len(built_in)))
    assert again == built_in.digest
    for label in built_in.labels:
        assert label_title(label, "en") != label
        assert label_title(label, "ko") != label_title(label, "en")


def test_the_built_in_set_holds_crops_and_digits():
    built_in = open_dataset("builtin")
    astronaut = [index for index in range(len(built_in)) if built_in.label(index) == "astronaut"]
    assert built_in.read(astronaut[0]) == sample("astronaut")
    quarters = [built_in.read(index).pixels for index in astronaut[1:5]]
    whole = np.vstack([np.hstack(quarters[:2]), np.hstack(quarters[2:])])
    assert np.array_equal(whole, sample("astronaut").pixels)
    threes = [built_in.seen(index, 8) for index in range(len(built_in)) if built_in.label(index) == "digit-3"]
    digits = load_digits()
    expected = digits.images[digits.target == 3][: len(threes)]
    shown = np.stack(threes)[..., 0] / 255 * 16
    assert len(threes) == 40
    agreement = [np.corrcoef(one.flat, other.flat)[0, 1] for one, other in zip(shown, expected, strict=True)]
    assert min(agreement) > 0.9


def test_batches_are_in_order_whatever_the_threads_and_leave_out_what_is_broken():
    numbers = counting(50, slow=0.002)
    for workers in (1, 4):
        batches = list(numbers.batches(size=4, batch=16, workers=workers))
        indices = [index for batch, _ in batches for index in batch]
        assert indices == [index for index in range(50) if index % 10 != 7]
        assert [tensor.shape[0] for _, tensor in batches] == [16, 16, 13]
        for batch, tensor in batches:
            assert tensor.shape[1:] == (3, 4, 4)
            assert tensor.dtype == torch.float32
            assert torch.equal(tensor, torch.tensor(batch).reshape(-1, 1, 1, 1).expand(-1, 3, 4, 4) / 255)
    assert [one.title for one in numbers.skipped] == ["7", "17", "27", "37", "47"]
    assert numbers.skipped[0].reason.key == "image_errors.broken"
    chosen = list(numbers.batches(4, 16, indices=[5, 3, 7, 1]))
    assert [batch for batch, _ in chosen] == [[5, 3, 1]]


def test_batches_decode_at_most_one_batch_ahead_and_stop_when_closed():
    started, lock = [], threading.Lock()

    def load(index: int, _enough: int) -> Picture:
        with lock:
            started.append(index)
        return Picture(np.zeros((8, 8, 3), np.uint8))

    many = PictureSet("many", "0", tuple(map(str, range(20_000))), None, load)
    batches = many.batches(size=8, batch=10, workers=2)
    for _ in range(3):
        next(batches)
    time.sleep(0.1)
    assert len(started) <= 3 * 10 + 11
    batches.close()
    time.sleep(0.1)
    assert len(started) <= 3 * 10 + 11


def test_memory_stays_flat_over_thousands_of_pictures():
    data = shade(9, "JPEG", side=64)
    many = PictureSet("many", "0", ("x",) * 4000, None, lambda _, side: load_image(data, side))
    batches = many.batches(size=32, batch=64)
    for _ in itertools.islice(batches, 15):
        pass
    before = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    for _ in batches:
        pass
    assert resource.getrusage(resource.RUSAGE_SELF).ru_maxrss - before < 30_000  # kilobytes


def test_what_a_batch_holds_is_the_central_square_scaled():
    built_in = open_dataset("builtin")
    (index, *_), tensor = next(built_in.batches(size=48, batch=4))
    assert np.array_equal(np.rint(tensor[0].permute(1, 2, 0).numpy() * 255), built_in.seen(index, 48))
    wide = np.zeros((10, 30, 3), np.uint8)
    wide[:, 10:20] = 255
    assert (square(wide, 5) == 255).all()
    assert np.array_equal(square(wide[:, 5:15], 10), wide[:, 5:15])


def test_a_folder_is_a_set_with_labels_in_a_fixed_order(folder):
    pictures = open_dataset(f"folder:{folder}")
    assert pictures.titles == ("cat/a.jpg", "cat/deep/c.webp", "dog/b.png", "한글/라.png")
    assert pictures.label_of == ("cat", "deep", "dog", "한글")
    assert pictures.labels == ("cat", "deep", "dog", "한글")
    assert [one.title for one in pictures.skipped] == ["notes.txt"]
    assert pictures.read(2).pixels[0, 0, 0] == len("dog/b.png") * 5
    assert open_dataset(f"folder:{folder}").digest == pictures.digest


def test_a_folders_digest_changes_with_contents_and_names_only(folder, tmp_path_factory):
    before = open_dataset(f"folder:{folder}").digest
    (folder / "dog/b.png").write_bytes(shade(250))
    changed = open_dataset(f"folder:{folder}").digest
    (folder / "dog/b.png").rename(folder / "dog/z.png")
    renamed = open_dataset(f"folder:{folder}").digest
    assert len({before, changed, renamed}) == 3
    (folder / "notes.txt").write_text("something else")
    assert open_dataset(f"folder:{folder}").digest == renamed
    elsewhere = tmp_path_factory.mktemp("elsewhere") / "copy"
    folder.rename(elsewhere)
    assert open_dataset(f"folder:{elsewhere}").digest == renamed


def test_a_folder_with_damaged_pictures_skips_them(folder):
    (folder / "cat/bad.png").write_bytes(b"<html>")
    (folder / "cat/cut.png").write_bytes(saved(photo(), "PNG")[:99])
    pictures = open_dataset(f"folder:{folder}")
    assert sum(len(batch) for batch, _ in pictures.batches(8, 2)) == len(pictures) - 2
    assert {one.reason.key for one in pictures.skipped} == {
        "dataset_errors.not_a_picture",
        "image_errors.html",
        "image_errors.truncated",
    }


def test_what_is_no_folder_of_pictures_gets_its_sentence(tmp_path, folder):
    assert refusal(open_dataset, f"folder:{tmp_path}/none").key == "dataset_errors.folder_missing"
    assert refusal(open_dataset, f"folder:{folder}/notes.txt").key == "dataset_errors.folder_is_file"
    assert refusal(open_dataset, "folder:a\0b").key == "dataset_errors.folder_unreadable"
    empty = tmp_path / "empty"
    empty.mkdir()
    assert refusal(open_dataset, f"folder:{empty}").key == "dataset_errors.folder_empty"
    (empty / "loop").symlink_to(empty)
    assert refusal(open_dataset, f"folder:{empty}").key == "dataset_errors.folder_empty"


@pytest.mark.parametrize("archive", zips(), ids=lambda archive: archive.name)
def test_a_hostile_zip_gets_its_sentence(archive: Upload):
    before = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    start = time.process_time()
    assert refusal(keep_zip, archive.data).key == archive.expected
    assert time.process_time() - start < 2
    assert resource.getrusage(resource.RUSAGE_SELF).ru_maxrss - before < 60_000  # kilobytes


def test_a_zip_is_a_set_and_what_is_no_picture_is_skipped():
    data = zipped(
        {
            "all/cat/1.png": shade(10),
            "all/dog/2.jpg": shade(20, "JPEG"),
            "all/dog/3": shade(30),  # a picture by its content
            "all/dog/4.png": b"not a picture",
            "all/inner.zip": zipped({"5.png": shade(50)}),
            "__MACOSX/all/._1.png": b"\0",
            "all/.DS_Store": b"\0",
        }
    )
    pictures = open_dataset(keep_zip(data))
    assert pictures.titles == ("all/cat/1.png", "all/dog/2.jpg", "all/dog/3")
    assert pictures.label_of == ("cat", "dog", "dog")
    assert {one.title: one.reason.key for one in pictures.skipped} == {
        "all/dog/4.png": "image_errors.text",
        "all/inner.zip": "image_errors.zip",
    }
    assert [int(pictures.read(index).pixels[0, 0, 0]) for index in range(3)] == [10, 20, 30]
    other = zipped({"1.png": shade(11), "2.png": shade(12)})
    assert open_dataset(keep_zip(other)).labels is None
    assert keep_zip(other) != keep_zip(data)


def test_a_zip_is_read_by_many_threads_at_once():
    data = zipped({f"{number}.png": shade(number) for number in range(200)}, zipfile.ZIP_DEFLATED)
    pictures = open_dataset(keep_zip(data))
    with ThreadPoolExecutor(8) as readers:
        levels = list(readers.map(lambda index: int(pictures.read(index).pixels[0, 0, 0]), range(200)))
    assert levels == [int(title.removesuffix(".png")) for title in pictures.titles]


def test_an_entry_never_unpacks_to_more_than_it_declares():
    data = bytearray(zipped({"a.png": shade(1), "lie.png": bytes(50 * 2**20)}, zipfile.ZIP_DEFLATED))
    at = data.rindex(b"PK\x01\x02")
    data[at + 24 : at + 28] = (1000).to_bytes(4, "little")
    before = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    pictures = open_dataset(keep_zip(bytes(data)))
    assert [one.reason.key for one in pictures.skipped] == ["dataset_errors.entry_broken"]
    assert resource.getrusage(resource.RUSAGE_SELF).ru_maxrss - before < 10_000  # kilobytes


def test_korean_names_of_windows_are_readable():
    data = zipped({"xx/1.png": shade(1), "yy/2.png": shade(2)})
    pictures = open_dataset(keep_zip(data.replace(b"xx", "강".encode("cp949")).replace(b"yy", "산".encode("cp949"))))
    assert pictures.labels == ("강", "산")


def test_the_least_recently_used_zip_is_forgotten_but_still_read_by_those_who_hold_it(monkeypatch):
    first = zipped({"1.png": shade(1)})
    monkeypatch.setattr(zip_set, "MOST_KEPT_BYTES", len(first) * 2 + 10)
    refs = [keep_zip(zipped({"1.png": shade(level)})) for level in (1, 2)]
    held = open_dataset(refs[0])
    open_dataset(refs[1])
    refs.append(keep_zip(zipped({"1.png": shade(3)})))
    assert refusal(open_dataset, refs[0]).key == "dataset_errors.zip_forgotten"
    assert len(open_dataset(refs[1])) == len(open_dataset(refs[2])) == 1
    assert held.read(0).pixels[0, 0, 0] == 1


def test_unknown_sets_get_their_sentence_and_known_ones_have_titles():
    assert refusal(open_dataset, "quux").key == "dataset_errors.unknown_ref"
    assert "cifar10" in str(refusal(open_dataset, "torchvision:cifar11"))
    for ref in names():
        for lang in ("en", "ko"):
            assert has_text(f"datasets.names.{ref.removeprefix('torchvision:')}", lang)


@pytest.fixture
def torch_home(tmp_path, monkeypatch):
    monkeypatch.setenv("TORCH_HOME", str(tmp_path))
    torchvision_sets._opened.cache_clear()
    return tmp_path / "datasets"


def test_without_a_network_a_torchvision_set_says_so_and_leaves_nothing(torch_home, monkeypatch):
    def offline(*_, **__):
        raise urllib.error.URLError("no route")

    monkeypatch.setattr(urllib.request, "urlopen", offline)
    error = refusal(open_dataset, "torchvision:cifar10")
    assert error.key == "dataset_errors.no_network"
    assert not torch_home.exists()


class Tiny:
    """A set in the manner of torchvision that `downloads` 3 MB in ten pieces."""

    classes = ("red", "blue")
    targets = (0, 1, 1)

    def __init__(self, root: str, download: bool) -> None:
        self.file = f"{root}/data.bin"
        if download:
            for _ in range(10):
                with open(self.file, "ab") as file:
                    file.write(bytes(300_000))
                time.sleep(0.02)
        elif os.path.getsize(self.file) == 0:
            raise RuntimeError("Dataset not found or corrupted.")

    def __getitem__(self, index: int) -> tuple[Image.Image, int]:
        return Image.new("RGB", (32, 32), self.classes[self.targets[index]]), self.targets[index]


@pytest.fixture
def tiny(torch_home, monkeypatch):
    source = torchvision_sets.Source("Tiny", {}, 3, "http://localhost/")
    monkeypatch.setitem(torchvision_sets.SOURCES, "tiny", source)
    monkeypatch.setattr(torchvision_sets, "POLL_S", 0.02)
    monkeypatch.setattr(torchvision_sets, "_check_network", lambda *_: None)
    monkeypatch.setattr("torchvision.datasets.Tiny", Tiny, raising=False)
    return torch_home


def test_a_torchvision_set_arrives_with_progress_and_is_complete_or_not_there(tiny):
    seen = []
    for done, total in torchvision_sets.download("tiny"):
        seen.append(done)
        assert total == 3 * 2**20
        here = (tiny / "tiny").exists()  # what is told may be a moment old, so it may be here before all of it is told
        assert here or done < total
        assert not here or (tiny / "tiny/data.bin").stat().st_size == 3_000_000
    assert seen == sorted(seen)
    assert len(set(seen)) > 3
    assert [path.name for path in tiny.iterdir()] == ["tiny"]
    pictures = open_dataset("torchvision:tiny")
    assert pictures.label_of == ("red", "blue", "blue")
    assert pictures.read(1).pixels[0, 0].tolist() == [0, 0, 255]
    assert list(torchvision_sets.download("tiny")) == []


def test_many_people_watch_one_transfer_and_it_goes_on_when_one_leaves(tiny):
    leaver = torchvision_sets.download("tiny")
    next(leaver)
    leaver.close()
    with ThreadPoolExecutor(4) as people:
        sets = list(people.map(open_dataset, ["torchvision:tiny"] * 4))
    assert len({one.digest for one in sets}) == 1
    assert (tiny / "tiny/data.bin").stat().st_size == 3_000_000  # downloaded once


@pytest.mark.parametrize(
    ("problem", "key"),
    [
        (RuntimeError("File not found or corrupted."), "download_failed"),
        (OSError(28, "No space left on device"), "no_room"),
        (PermissionError(13, "denied"), "cannot_write"),
        (urllib.error.URLError("reset"), "download_failed"),
    ],
)
def test_what_goes_wrong_in_a_transfer_gets_its_sentence_and_leaves_nothing(tiny, monkeypatch, problem, key):
    def fail(*_, **__):
        raise problem

    monkeypatch.setattr("torchvision.datasets.Tiny", fail)
    assert refusal(open_dataset, "torchvision:tiny").key == f"dataset_errors.{key}"
    assert list(tiny.iterdir()) == []


def test_a_set_that_lost_its_files_says_what_to_remove(tiny):
    (tiny / "tiny").mkdir(parents=True)
    (tiny / "tiny/data.bin").write_bytes(b"")
    assert refusal(open_dataset, "torchvision:tiny").key == "dataset_errors.set_damaged"


@pytest.fixture
def archive_server(tmp_path_factory):
    """A web server on this computer with a small archive in the layout of Imagenette; its address and the archive's MD5."""
    site = tmp_path_factory.mktemp("site")
    with tarfile.open(site / "imagenette2-320.tgz", "w:gz") as archive:
        for number, wnid in enumerate(("n01440764", "n02102040")):
            for split in ("train", "val"):
                member = tarfile.TarInfo(f"imagenette2-320/{split}/{wnid}/{wnid}_1.jpeg")
                data = shade(100 + number, "JPEG")
                member.size = len(data)
                archive.addfile(member, io.BytesIO(data))
    handler = functools.partial(http.server.SimpleHTTPRequestHandler, directory=str(site))
    with http.server.ThreadingHTTPServer(("127.0.0.1", 0), handler) as server:
        threading.Thread(target=server.serve_forever, daemon=True).start()
        digest = hashlib.md5((site / "imagenette2-320.tgz").read_bytes()).hexdigest()
        yield f"http://127.0.0.1:{server.server_port}", digest
        server.shutdown()


def fetch_imagenette_from(address: str, digest: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("no_proxy", "*")
    archives = {"320px": (f"{address}/imagenette2-320.tgz", digest)}
    monkeypatch.setattr("torchvision.datasets.Imagenette._ARCHIVES", archives)
    source = dataclasses.replace(torchvision_sets.SOURCES["imagenette"], megabytes=1, server=address)
    monkeypatch.setitem(torchvision_sets.SOURCES, "imagenette", source)


def test_a_real_class_of_torchvision_is_fetched_unpacked_and_read(torch_home, archive_server, monkeypatch):
    address, digest = archive_server
    fetch_imagenette_from(address, digest, monkeypatch)
    pictures = open_dataset("torchvision:imagenette")
    assert pictures.label_of == ("tench", "English springer")
    assert [int(pictures.read(index).pixels[0, 0, 0]) for index in range(2)] == [100, 101]


def test_an_archive_with_other_contents_is_thrown_away(torch_home, archive_server, monkeypatch):
    address, _ = archive_server
    fetch_imagenette_from(address, "0" * 32, monkeypatch)
    assert refusal(open_dataset, "torchvision:imagenette").key == "dataset_errors.download_failed"
    assert list(torch_home.iterdir()) == []


def test_every_source_names_a_class_of_torchvision_and_arguments_it_takes():
    for name, source in torchvision_sets.SOURCES.items():
        if name == "tiny":
            continue
        accepted = inspect.signature(getattr(datasets, source.kind)).parameters
        assert {"root", "download", *source.arguments} <= set(accepted), name


def test_the_photographs_are_those_of_the_built_in_set():
    photographs, everything = open_dataset("photographs"), open_dataset("builtin")
    assert 200 < len(photographs) < len(everything)
    assert set(photographs.labels) == set(samples.names("photo"))
    where = everything.titles.index(photographs.titles[-1])
    assert photographs.read(len(photographs) - 1) == everything.read(where)
