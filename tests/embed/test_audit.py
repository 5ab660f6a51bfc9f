"""Checking a set in which we planted what is to be found."""

import csv
import io

import numpy as np
import pytest
from PIL import Image

from viz_core.embed.audit import COLUMNS, Audit, as_csv, cosines, duplicates
from viz_core.technique import finish


@pytest.fixture
def planted(tmp_path, monkeypatch):
    """Red and green pictures; a green one among the red, a red one twice, and one of noise."""
    monkeypatch.setenv("CONVSCOPE_CACHE", str(tmp_path / "cache"))
    noise = np.random.default_rng(0)
    for name, colour in (("red", (220, 30, 30)), ("green", (30, 200, 30))):
        (tmp_path / "set" / name).mkdir(parents=True)
        for number in range(14):
            shade = np.array(colour) + noise.normal(0, 14, 3)
            pixels = np.clip(shade + noise.normal(0, 6, (24, 24, 3)), 0, 255).astype(np.uint8)
            Image.fromarray(pixels).save(tmp_path / "set" / name / f"{number:02}.png")
    (tmp_path / "set" / "green" / "05.png").rename(tmp_path / "set" / "red" / "wrong.png")
    Image.open(tmp_path / "set" / "red" / "03.png").save(tmp_path / "set" / "red" / "copy.jpg", quality=95)
    odd = noise.integers(0, 2, (24, 24, 1), np.uint8) * 255 * np.ones(3, np.uint8)
    Image.fromarray(odd).save(tmp_path / "set" / "green" / "odd.png")
    return f"folder:{tmp_path / 'set'}"


def test_what_was_planted_is_found_first(planted):
    technique = Audit(model="random:squeezenet1_1", dataset=planted, layer="features.0", size=64, k=7, alike=0.8)
    result = finish(technique.run())
    titles = [row["title"] for row in csv.DictReader(io.StringIO(result.files["audit.csv"].decode("utf-8-sig")))]
    assert len(titles) == result.scores["points"] == 30
    place = {title: number for number, title in enumerate(sorted(titles))}
    assert result.tables["labels"][0]["title"] == "red/wrong.png"
    assert result.tables["labels"][0]["suggested"] == "green"
    assert result.tables["outliers"][0]["title"] == "green/odd.png"
    first = result.tables["duplicates"][0]
    assert {first["picture"], first["other"]} == {place["red/03.png"], place["red/copy.jpg"]}


def test_cosines_and_duplicates_by_hand():
    vectors = np.array([[1.0, 0.0], [2.0, 0.0], [0.0, 1.0], [0.0, 0.0], [0.0, 0.0]])
    found = np.array([[1, 2], [0, 2], [0, 1], [4, 0], [3, 0]])
    np.testing.assert_allclose(cosines(vectors, found), [[1, 0], [1, 0], [0, 0], [1, 0], [1, 0]])
    pairs = duplicates(np.arange(10, 15), vectors, (found, found.astype(float)), 0.9)
    assert [(row["picture"], row["other"]) for row in pairs] == [(10, 11), (13, 14)]


def test_a_set_without_labels_has_no_suspects(tmp_path, monkeypatch):
    monkeypatch.setenv("CONVSCOPE_CACHE", str(tmp_path / "cache"))
    (tmp_path / "set").mkdir()
    for number in range(9):
        Image.new("RGB", (9, 9), (5, 5, 5)).save(tmp_path / "set" / f"{number}.png")
    result = finish(Audit(model="random:squeezenet1_1", dataset=f"folder:{tmp_path / 'set'}", size=64).run())
    assert not result.tables["labels"]
    assert not result.tables["boundary"]
    assert result.tables["duplicates"], "identical pictures are duplicates"
    assert np.isfinite(result.arrays["remoteness"]).all()


def test_no_name_becomes_a_formula_in_a_spreadsheet():
    row = dict.fromkeys(COLUMNS, 0) | {"title": "=HYPERLINK(1)", "label": "@x", "nearest": "fine"}
    told = next(csv.DictReader(io.StringIO(as_csv([row]).decode("utf-8-sig"))))
    assert (told["title"], told["label"], told["nearest"]) == ("'=HYPERLINK(1)", "'@x", "fine")
