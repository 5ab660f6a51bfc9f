"""The command line: files written, replay byte for byte, bad values in one sentence."""

import json

import numpy as np
import pytest

from viz_core.__main__ import main
from viz_core.images.render import read_recipe
from viz_core.registry import techniques

FAST = {
    "filters": [],
    "occlusion": ["--size", "64", "--patch", "32", "--stride", "32"],
    "deepdream": ["--size", "48", "--octaves", "1", "--steps", "2"],
}
NETWORKS = ("bundled", "random:alexnet", "random:resnet18", "random:densenet121", "random:vgg16", "random:googlenet")
MAIN = {"filters": "grid", "occlusion": "map", "deepdream": "image"}


@pytest.mark.parametrize("network", NETWORKS)
@pytest.mark.parametrize("slug", FAST)
def test_a_technique_writes_its_files(slug, network, tmp_path):
    assert main([slug, "--model", network, "--image", "sample:chelsea", *FAST[slug], "--out", str(tmp_path)]) == 0
    told = json.loads((tmp_path / "result.json").read_text())
    assert told["technique"] == slug
    assert told["recipe"]["parameters"]["model"] == network
    assert told["weights"] == told["recipe"]["weights"]
    assert told["seconds"] > 0
    assert {"torch", "convscope"} <= set(told["versions"])
    arrays = np.load(tmp_path / "arrays.npz")
    assert arrays["input"].shape[:2] == (1, 3)
    assert 0 <= arrays["input"].min() <= arrays["input"].max() <= 1
    assert np.isfinite(arrays[MAIN[slug]]).all()
    for picture in told["pictures"]:
        assert json.loads(read_recipe((tmp_path / f"{picture}.png").read_bytes()))["technique"] == slug


@pytest.mark.parametrize("slug", FAST)
@pytest.mark.parametrize("source", ["result.json", "png"])
def test_replay_makes_the_same_bytes(slug, source, tmp_path):
    first, second = tmp_path / "first", tmp_path / "second"
    assert main([slug, "--model", "random:resnet18", "--seed", "3", *FAST[slug], "--out", str(first)]) == 0
    file = first / source if source.endswith("json") else next(first.glob("*.png"))
    assert main(["replay", str(file), "--out", str(second)]) == 0
    again = [path for path in first.iterdir() if path.suffix in (".png", ".npz", ".gif")]
    assert again
    for path in again:
        assert (second / path.name).read_bytes() == path.read_bytes(), path.name


def test_the_list_holds_every_technique_with_its_schema(capsys):
    assert main(["list", "--json"]) == 0
    listed = {entry["slug"]: entry for entry in json.loads(capsys.readouterr().out)}
    assert list(listed) == list(techniques())
    assert listed["occlusion"]["section"] == "explain"
    assert listed["occlusion"]["schema"]["properties"]["patch"]["maximum"] == 128


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        (["occlusion", "--patch", "3"], "at least 4"),
        (["occlusion", "--patch", "many"], "whole number"),
        (["occlusion", "--fill", "pink"], "one of"),
        (["occlusion", "--model", "random:nonesuch"], "nonesuch"),
        (["occlusion", "--image", "sample:nobody"], "nobody"),
        (["occlusion", "--image", "/nowhere/cat.jpg"], "cat.jpg"),
        (["occlusion", "--model", "random:squeezenet1_1", "--target", "5000"], "5000"),
        (["deepdream", "--model", "random:squeezenet1_1", "--layer", "features.99"], "features.99"),
        (["deepdream", "--model", "random:squeezenet1_1", "--channel", "100000"], "100000"),
        (["replay", "/nowhere/recipe.json"], "recipe.json"),
    ],
)
def test_a_bad_value_gets_one_sentence_and_exit_status_2(arguments, words, capsys, tmp_path):
    status = main([*arguments, "--out", str(tmp_path)])
    said = capsys.readouterr().err
    assert status == 2
    assert words in said
    assert said.count("\n") == 1
    assert "Traceback" not in said
    assert not list(tmp_path.iterdir())


def test_an_unknown_command_gets_one_sentence(capsys):
    with pytest.raises(SystemExit) as end:
        main(["nonesuch"])
    assert end.value.code == 2
    assert capsys.readouterr().err.count("\n") == 1


def test_a_recipe_for_other_weights_is_refused(tmp_path, capsys):
    assert main(["filters", "--model", "random:squeezenet1_1", "--out", str(tmp_path)]) == 0
    told = json.loads((tmp_path / "result.json").read_text())["recipe"]
    told["weights"] = "0" * len(told["weights"])
    (tmp_path / "other.json").write_text(json.dumps(told))
    assert main(["replay", str(tmp_path / "other.json"), "--out", str(tmp_path / "again")]) == 2
    assert "other weights" in capsys.readouterr().err


def test_a_picture_without_a_recipe_is_refused(tmp_path, capsys):
    (tmp_path / "plain.json").write_text('{"hello": 1}')
    assert main(["replay", str(tmp_path / "plain.json")]) == 2
    assert "recipe" in capsys.readouterr().err
