"""Every script, run on its own, makes the array that Convscope makes."""

import ast
import importlib
import subprocess
import sys
import zipfile
from io import BytesIO

import numpy as np
import pytest
import torch
from PIL import Image

from viz_core.errors import ConvscopeError
from viz_core.explain import trust
from viz_core.images.video import encode_mp4
from viz_core.registry import technique, techniques
from viz_core.scripts import parts
from viz_core.scripts.parts import LONGEST
from viz_core.scripts.script import _module, has_script, script_for
from viz_core.technique import finish

ALLOWED = {"torch", "torchvision", "numpy", "PIL", "safetensors", "pathlib", "collections", "math", "json"}
ALLOWED |= {"heapq", "itertools"}
LIBRARIES = {"openTSNE", "sklearn", "umap", "cv2"}  # of the maps and of films
SHORTEST = 20  # lines in any of them: blank ones and the words on top do not count, comments do
RANDOM = "random:squeezenet1_1"
WITHOUT: set[str] = set()

TINY: dict[str, list[dict]] = {
    "filters": [{}, {"layer": "stage2.conv1", "count": 3, "first": 2, "normalise": "joint"}],
    "activations": [{}, {"layer": "fc"}, {"model": "random:resnet18", "layer": "layer1.0.relu_1", "size": 64}],
    "patches": [{"dataset": "folder", "pictures": 9, "size": 32}],
    "neighbours": [
        {"dataset": "folder", "k": 4},
        {"dataset": "folder", "query": 3, "off": (1, 5)},
        {"dataset": "folder", "k": 4, "flat": True, "off": (2,)},
    ],
    "map": [
        {"dataset": "folder", "method": "pca"},
        {"dataset": "folder", "steps": 40, "perplexity": 3.0},
        {"dataset": "folder", "method": "umap", "neighbours": 5},
    ],
    "depth": [{"dataset": "folder", "steps": 20, "perplexity": 3.0, "count": 10}],
    "audit": [{"dataset": "folder", "k": 3}],
    "occlusion": [
        {"stride": 32},
        {"stride": 40, "fill": "blur", "model": RANDOM, "size": 96},
        {"stride": 40, "fill": "inpaint", "size": 64},
    ],
    "saliency": [
        {},
        {"method": "smoothgrad", "samples": 3, "channels": "mean"},
        {"method": "integrated", "samples": 3, "signed": True, "against": 5},
    ],
    "backprop": [{}, {"layer": "stage3.relu2", "rule": "deconvnet"}],
    "cam": [{"method": name} for name in ("gradcam", "cam", "gradcam++", "layercam", "guided")]
    + [{"method": "scorecam", "layer": "pool1", "size": 48}, {"method": "cam", "model": RANDOM, "size": 96}],
    "trust": [
        {"check": "deletion", "steps": 5, "size": 32},
        {"size": 32},
        {"check": "many", "pictures": 3, "steps": 5, "size": 32, "dataset": "folder"},
        {"check": "planted", "training_steps": 20},
        {"check": "agreement", "size": 32},
    ],
    "class-image": [
        {"steps": 4, "size": 48},
        {"steps": 2, "size": 32, "measure": "probability", "painter": "itself"},
        {"steps": 3, "size": 48, "start": "noise", "optimiser": "adam", "l2": 5.0, "tv": 2.0, "small_pixels": 30.0},
        {"steps": 3, "size": 48, "goal": "channel", "layer": "stage3.conv1", "count": 2, "decay": 0.1}
        | {"optimiser": "progress", "small_contributions": 20.0, "transforms": "none"},
        {"steps": 2, "size": 48, "goal": "neuron", "layer": "stage2.conv1", "optimiser": "gradient", "rate": 100.0},
        {
            "steps": 3,
            "size": 48,
            "canvas": "fourier",
            "optimiser": "adam",
            "rate": 0.05,
            "transforms": "lucid",
            "tv": 1.0,
        },
        {"steps": 2, "size": 48, "goal": "direction", "layer": "stage3.conv1", "transforms": "lucid"},
        {"steps": 2, "size": 32, "compare": "ladder"},
        {"steps": 2, "size": 32, "compare": "starts", "also": (5,)},
        {"steps": 2, "size": 32, "compare": "twins"},
        {"steps": 5, "size": 48, "compare": "facets", "facets": 2, "dataset": "folder"},
        {"steps": 8, "size": 32, "compare": "centre"},
        {"steps": 3, "size": 32, "compare": "centre", "goal": "direction", "layer": "stage3.conv1"},
        {"steps": 2, "size": 32, "guided": True, "start": "picture", "also": (3,)},
        {"steps": 2, "size": 32, "begin": "sample:coffee", "canvas": "fourier"},
    ],
    "fooling": [
        {"steps": 3, "size": 64},
        {"attack": "fgsm", "aim": "away", "size": 64},
        {"attack": "pgd", "norm": "l2", "aim": "away", "epsilon": 2.0, "steps": 3, "size": 64},
        {"attack": "deepfool", "steps": 2, "size": 32},
        {"attack": "pixel", "steps": 2, "size": 32},
        {"attack": "strength", "size": 32},
        {"attack": "hog", "steps": 3, "size": 48},
    ],
    "deepdream": [
        {"steps": 2, "octaves": 2, "size": 64},
        {"steps": 1, "size": 48, "also": ("stage2.conv1",)},
        {"steps": 1, "octaves": 2, "size": 48, "guided": True, "also": ("stage2.conv1",), "weights": (1.0, 0.5)},
        {"steps": 1, "octaves": 1, "size": 32, "zoom": 2},
        {"steps": 1, "octaves": 1, "size": 32, "film": "film"},
        {"steps": 1, "octaves": 2, "size": 96, "tile": 64, "guided": True, "zoom": 1, "begin": "sample:coffee"},
        {"steps": 2, "octaves": 1, "size": 96, "tile": 64, "also": ("stage2.conv1",), "weights": (1.0, 0.5)},
    ],
    "inversion": [
        {"steps": 2, "size": 32, "layers": ("relu1", "stage4.relu1")},
        {"steps": 3, "size": 32, "optimiser": "adam", "canvas": "pixels", "layers": ("relu1", "stage4.relu1")},
        {"steps": 2, "size": 32, "part": "half", "layers": ("stage4.relu1",)},
        {"steps": 2, "size": 32, "part": "centre", "layers": ("stage4.relu1",)},
        {"steps": 2, "size": 32, "canvas": "pixels", "alpha": 0.1, "starts": 2, "layers": ("relu1",)},
        {"steps": 20, "size": 32, "layers": ("relu1",), "begin": "sample:coffee", "starts": 2},
        {"steps": 5, "size": 32, "layers": ("stage4.relu1",), "schedule": "mahendran", "part": "centre"},
        {"steps": 2, "size": 64, "model": "random:resnet18", "layers": ("layer1.0.relu", "layer1.0.relu_1")},
    ],
    "texture": [
        {"method": "gram", "steps": 3, "side": 48},
        {"method": "mean-variance", "optimiser": "adam", "steps": 3, "side": 48},
        {"method": "wasserstein", "steps": 3, "side": 48, "smoothness": 2.0},
        {"method": "efros-leung", "size": 32, "side": 32, "reach": 2},
        {"method": "wei-levoy", "size": 40, "side": 33, "reach": 2},
        {"method": "wei-levoy", "size": 32, "side": 32, "reach": 3, "search": "all", "levels": 2},
        {"method": "wei-levoy", "size": 32, "side": 32, "reach": 3, "coherence": 0.0},
    ],
    "style": [
        {"steps": 2, "size": 72},
        {"steps": 2, "size": 64, "statistic": "mean-variance", "optimiser": "adam"},
        {"steps": 12, "size": 64, "sizes": 1, "statistic": "wasserstein", "start": "noise"},
        {"steps": 2, "size": 64, "sizes": 1, "mask": "sample:coffee", "colours": "luminance", "start": "style"},
        {"steps": 2, "size": 64, "sizes": 1, "other_styles": ("sample:ink",), "shares": (1.0, 3.0), "colours": "match"},
        {
            "steps": 2,
            "size": 64,
            "statistic": "mean-variance",
            "mask": "sample:coffee",
            "other_styles": ("sample:ink",),
        },
    ],
    "fast-style": [{"size": 96}, {"size": 64, "others": ("sample:coffee",)}, {"size": 64, "film": "film"}],
    "fast-style-train": [
        {"steps": 3, "size": 32, "style_size": 64, "width": 8, "blocks": 2, "styles": ("sample:ink", "sample:glass")},
        {"steps": 1, "size": 32, "style_size": 64, "batch": 1, "begin": "style:drawings"}
        | {"styles": ("sample:ink", "sample:glass", "sample:strokes")},
    ],
    "defence": [{"steps": 10}],
    "relu": [{}],
    "you-vs-net": [{"questions": 3}, {"questions": 3, "answering": "search"}],
    "autograd": [{}, {"formula": "sin(v1 / torch) - exp(-v1) ** 2 + 3", "values": "v1=0.5, torch=2"}],
}

CASES = [(slug, given) for slug, cases in TINY.items() for given in cases]


@pytest.fixture(scope="module")
def folder(tmp_path_factory) -> str:
    """A small set of pictures."""
    where, numbers = tmp_path_factory.mktemp("set"), np.random.default_rng(0)
    for number in range(12):
        pixels = np.kron(numbers.integers(0, 256, (6, 8, 3), np.uint8), np.ones((10, 10, 1), np.uint8))
        Image.fromarray(pixels).save(where / f"{number}.png")
    return f"folder:{where}"


def line_count(code: str) -> int:
    """Lines of a script below the words on top."""
    return parts.line_count(code.split('"""', 2)[2])


@pytest.fixture(scope="module")
def film(tmp_path_factory) -> str:
    """Three frames in which something moves."""
    frames = np.full((3, 48, 64, 3), 90, np.uint8)
    for number, frame in enumerate(frames):
        frame[10:30, 10 + 4 * number : 30 + 4 * number] = (200, 60, 30)
    path = tmp_path_factory.mktemp("film") / "film.mp4"
    path.write_bytes(encode_mp4(frames, 8))
    return str(path)


@pytest.fixture
def run_alone(tmp_path, monkeypatch):
    """Unpack a script with its files into a folder of its own and run it there; what it saved."""

    def run(script) -> np.ndarray:
        with zipfile.ZipFile(BytesIO(script.bundle())) as archive:
            archive.extractall(tmp_path)
        monkeypatch.chdir(tmp_path)
        monkeypatch.syspath_prepend(tmp_path)
        sys.modules.pop("helper", None)  # of another script
        monkeypatch.setattr(torch.nn.functional, "relu", torch.nn.functional.relu)  # a script may replace it
        with torch.random.fork_rng(devices=[]):
            exec(compile((tmp_path / "script.py").read_text(encoding="utf-8"), "script.py", "exec"), {})
        return np.load(tmp_path / script.saved_as)

    return run


@pytest.mark.parametrize(("slug", "given"), CASES, ids=[f"{slug}-{number}" for number, (slug, _) in enumerate(CASES)])
def test_the_script_makes_the_same_array(slug, given, folder, film, run_alone, monkeypatch):
    if given.get("check") != "agreement":
        monkeypatch.setattr(trust, "METHODS", {"gradient": trust.METHODS["gradient"]})  # the one its scripts follow
    if "film" in given:
        given = given | {"film": film}
    if given.get("dataset") == "folder":
        given = given | {"dataset": folder}
    chosen = technique(slug)(**given)
    script = script_for(chosen)
    assert SHORTEST <= line_count(script.code) <= LONGEST
    expected = script.part_of(finish(chosen.run()).arrays)
    found = run_alone(script)
    assert found.shape == expected.shape
    assert np.abs(found - expected).max() <= 1e-6 * max(1.0, float(np.abs(expected).max()))


def test_every_technique_has_a_tested_script_or_is_known_to_have_none():
    with_script = {slug for slug, kind in techniques().items() if has_script(kind)}
    assert with_script == set(TINY) == set(techniques()) - WITHOUT


@pytest.mark.parametrize("slug", sorted(TINY))
def test_the_room_as_it_opens_offers_a_short_script_that_needs_nothing_else(slug):
    script = script_for(technique(slug)())
    assert SHORTEST <= line_count(script.code) <= LONGEST
    assert "#" in script.code
    for code, allowed in ((script.code, ALLOWED | LIBRARIES | {"helper"}), (script.helper, ALLOWED | LIBRARIES)):
        imported = {
            alias.name if isinstance(node, ast.Import) else node.module
            for node in ast.walk(ast.parse(code))
            if isinstance(node, ast.Import | ast.ImportFrom)
            for alias in node.names
        }
        assert {name.partition(".")[0] for name in imported} <= allowed
        assert max(map(len, code.splitlines()), default=0) <= 120


def test_it_runs_where_convscope_is_not(tmp_path):
    script = script_for(technique("saliency")())
    with zipfile.ZipFile(BytesIO(script.bundle())) as archive:
        archive.extractall(tmp_path)
    done = subprocess.run([sys.executable, "-E", "-s", "script.py"], cwd=tmp_path, capture_output=True, text=True)
    assert done.returncode == 0, done.stderr
    assert np.load(tmp_path / "map.npy").shape == (96, 144)


@pytest.mark.parametrize(
    ("slug", "given"),
    [
        ("deepdream", {"steering": ("3 jitter=2",)}),
        ("cam", {"model": "random:densenet121", "layer": "relu"}),
    ],
)
def test_settings_beyond_a_short_script_get_a_sentence(slug, given):
    with pytest.raises(ConvscopeError) as problem:
        script_for(technique(slug)(**given))
    assert problem.value.sentence("ko")


@pytest.mark.parametrize("slug", sorted(TINY))
def test_a_script_follows_every_setting_but_steering(slug):
    kind = technique(slug)
    followed = {*("model", "image", "size", "seed", "target"), *importlib.import_module(_module(kind)).OBEYED}
    assert set(kind.model_fields) - followed <= {"steering"}


def test_names_cannot_break_out_of_a_comment():
    code = script_for(technique("autograd")(formula="(x\n+ 1)", values="x=1")).code
    assert "# (x + 1)" in code
