"""People's own networks: what fits is loaded and computes what torch computes; what does not is told in one sentence."""

import io
import json
import os
import zipfile
from collections.abc import Callable
from pathlib import Path

import pytest
import torch
import torchvision
from safetensors.torch import save_file
from torch import Tensor, nn

from viz_core import models
from viz_core.errors import ConvscopeError
from viz_core.models import zoo


@pytest.fixture(scope="module")
def network() -> nn.Module:
    with torch.random.fork_rng():
        torch.manual_seed(1)
        return torchvision.models.squeezenet1_1(weights=None, num_classes=3).eval()


@pytest.fixture(scope="module")
def picture() -> Tensor:
    return torch.rand(2, 3, 64, 80, generator=torch.Generator().manual_seed(2))


def normalised(x: Tensor, mean: tuple = zoo.IMAGENET_MEAN, std: tuple = zoo.IMAGENET_STD) -> Tensor:
    return (x - torch.tensor(mean)[:, None, None]) / torch.tensor(std)[:, None, None]


class Small(nn.Module):
    """Everything an exported network may bring: in-place ReLU, batch norm, splitting, sizes, two heads."""

    def __init__(self) -> None:
        super().__init__()
        self.conv1 = nn.Conv2d(3, 8, 3, stride=2, padding=1)
        self.norm = nn.BatchNorm2d(8)
        self.relu = nn.ReLU(inplace=True)
        self.conv2 = nn.Conv2d(4, 4, 3, padding=1, bias=False)
        self.pool = nn.AdaptiveAvgPool2d(1)
        self.fc = nn.Linear(8, 5)

    def forward(self, x: Tensor) -> tuple[Tensor, Tensor]:
        left, right = self.relu(self.norm(self.conv1(x))).chunk(2, dim=1)
        both = torch.cat([left, self.conv2(right)], dim=1)
        pooled = self.pool(both).view(x.shape[0], 8)
        return self.fc(pooled), pooled


@pytest.fixture(scope="module")
def archive(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, nn.Module]:
    with torch.random.fork_rng():
        torch.manual_seed(3)
        small = Small().eval()
    small.norm.running_mean.uniform_(-0.5, 0.5, generator=torch.Generator().manual_seed(4))
    auto = torch.export.Dim.AUTO
    exported = torch.export.export(small, (torch.rand(2, 3, 40, 48),), dynamic_shapes=({0: auto, 2: auto, 3: auto},))
    path = tmp_path_factory.mktemp("archive") / "small.pt2"
    torch.export.save(exported, path)
    return path, small


@pytest.mark.parametrize(
    "wrap", [dict, lambda s: {"state_dict": s}, lambda s: {f"module.{k}": v for k, v in s.items()}]
)
def test_pth_with_the_wrappings_of_training_scripts(
    network: nn.Module, picture: Tensor, tmp_path: Path, wrap: Callable
) -> None:
    torch.save(wrap(network.state_dict()), tmp_path / "w.pth")
    model = models.load(f"{tmp_path}/w.pth?arch=squeezenet1_1")
    assert torch.equal(model(picture), network(normalised(picture)))
    assert model.class_names == ("class 0", "class 1", "class 2")
    assert model.input_size == 224


def test_safetensors_in_half_precision_with_class_names(network: nn.Module, tmp_path: Path) -> None:
    halves = {key: value.half().contiguous() for key, value in network.state_dict().items()}
    save_file(halves, tmp_path / "w.safetensors")
    (tmp_path / "names.txt").write_text("고양이\ndog\n\nbird\n", encoding="utf-8")
    model = models.load(f"{tmp_path}/w.safetensors?arch=squeezenet1_1&classes={tmp_path}/names.txt&size=96")
    assert model.class_names == ("고양이", "dog", "bird")
    assert model.input_size == 96
    assert torch.equal(model.weight("features.0"), halves["features.0.weight"].float())


def test_a_folder_with_a_description(network: nn.Module, picture: Tensor, tmp_path: Path) -> None:
    torch.save(network.state_dict(), tmp_path / "w.pth")
    (tmp_path / "names.json").write_text(json.dumps({"2": "c", "0": "a", "1": ["n1", "b"]}))
    mean, std = (0.5, 0.4, 0.3), (0.2, 0.25, 0.3)
    described = {"architecture": "squeezenet1_1", "weights": "w.pth", "classes": "names.json", "mean": mean, "std": std}
    (tmp_path / "model.json").write_text(json.dumps({**described, "input_size": 64}))
    model = models.load(str(tmp_path))
    assert model.class_names == ("a", "b", "c")
    assert torch.equal(model(picture), network(normalised(picture, mean, std)))


def test_a_changed_file_is_loaded_anew(network: nn.Module, tmp_path: Path) -> None:
    path = tmp_path / "w.pth"
    torch.save(network.state_dict(), path)
    first = models.load(f"{path}?arch=squeezenet1_1")
    assert models.load(f"{path}?arch=squeezenet1_1") is first
    torch.save({key: value + 1 for key, value in network.state_dict().items()}, path)
    os.utime(path, (1, 1))
    assert models.load(f"{path}?arch=squeezenet1_1").digest != first.digest


def test_an_exported_program_computes_what_torch_computes(archive: tuple, picture: Tensor) -> None:
    path, small = archive
    model = models.load(f"{path}?mean=0,0,0&std=1,1,1")
    assert (model(picture) - small(picture)[0]).abs().max() < 1e-6
    assert model.input_size == 40
    assert len(model.class_names) == 5
    assert {"conv1", "norm", "relu", "conv2", "fc"} <= set(model.layer_names)
    before = model.activations(picture, "norm")["norm"]
    assert before.min() < 0
    assert torch.allclose(before, small.norm(small.conv1(picture)), atol=1e-6)
    assert model.layer("conv1").parameters == 8 * 27 + 8
    assert model.layer("relu").receptive_field.size == (3, 3)


def test_an_exported_program_can_be_rewritten_and_randomised(archive: tuple, picture: Tensor) -> None:
    path, small = archive
    model = models.load(f"{path}?mean=0,0,0&std=1,1,1")
    x = picture.clone().requires_grad_()
    values = small.norm(small.conv1(x))
    (guided,) = torch.autograd.grad(model.with_relu("guided").activations(x, "relu")["relu"].sum(), x)
    (expected,) = torch.autograd.grad(values, x, (values > 0).float())
    assert torch.allclose(guided, expected, atol=1e-6)
    fresh = model.randomised("conv2", seed=0)
    assert fresh.weight("conv1") is model.weight("conv1")
    assert not torch.equal(fresh.weight("fc"), model.weight("fc"))
    assert fresh.weight("conv2").abs().max() <= 1 / 6
    assert fresh.digest != model.digest


def rewritten(path: Path, to: Path, change: Callable[[str, bytes], bytes]) -> Path:
    with zipfile.ZipFile(path) as old, zipfile.ZipFile(to, "w") as new:
        for name in old.namelist():
            new.writestr(name, change(name, old.read(name)))
    return to


class Trap:
    """Unpickled, it would leave a file behind."""

    def __init__(self, path: Path) -> None:
        self.path = path

    def __reduce__(self) -> tuple:
        return (Path.touch, (self.path,))


def test_nothing_in_an_archive_is_run(archive: tuple, picture: Tensor, tmp_path: Path) -> None:
    trap = tmp_path / "sprung"
    buffer = io.BytesIO()
    torch.save(Trap(trap), buffer)

    def poison(name: str, data: bytes) -> bytes:
        if "sample_inputs" in name:
            return buffer.getvalue()
        return data.replace(b"Symbol('s", f"__import__('pathlib').Path('{trap}').touch() or Symbol('s".encode())

    path = rewritten(archive[0], tmp_path / "poisoned.pt2", poison)
    model = models.load(f"{path}?mean=0,0,0&std=1,1,1")
    assert (model(picture) - archive[1](picture)[0]).abs().max() < 1e-6
    assert not trap.exists()


@pytest.mark.parametrize(
    ("old", "new", "sentence"),
    [
        (b'"use_pickle": false', b'"use_pickle": true', "carries pickled objects"),
        (b"torch.ops.aten.cat.default", b"torch.hub.load", r"uses 'torch\.hub\.load'"),
        (b'{"as_int": 1}, "kind": 1', b'{"as_string": "/etc/passwd"}, "kind": 1', "as_string"),
        (b'"major": 8', b'"major": 9', "another version of torch"),
        (b'"graph_module"', b'"grape_module"', "cannot be read as an archive"),
    ],
)
def test_archives_that_cannot_be_trusted_or_read(
    archive: tuple, tmp_path: Path, old: bytes, new: bytes, sentence: str
) -> None:
    path = rewritten(archive[0], tmp_path / "small.pt2", lambda name, data: data.replace(old, new))
    with pytest.raises(ConvscopeError, match=sentence):
        models.load(str(path))


def save_code(path: Path) -> None:
    torch.save(nn.Linear(1, 1), path)


@pytest.mark.parametrize(
    ("name", "query", "write", "sentence"),
    [
        ("missing.pth", "?arch=alexnet", None, r"no file '.*missing\.pth'"),
        ("w.pth", "", lambda p: torch.save({}, p), "needs the name of an architecture"),
        ("w.pth", "?arch=resnet19", lambda p: torch.save({}, p), r"'resnet19' is none.*resnet18"),
        ("w.pth", "?arch=resnet18&colour=red", lambda p: torch.save({}, p), "look at 'colour'"),
        ("w.pth", "?arch=resnet18&size=9", lambda p: torch.save({}, p), "look at 'input_size'"),
        ("w.pth", "?arch=resnet18", save_code, "more than tensors"),
        ("w.pth", "?arch=resnet18", lambda p: p.write_bytes(b"hello"), "more than tensors|cannot be read"),
        ("w.pth", "?arch=resnet18", lambda p: p.write_bytes(b""), "cannot be read as weights"),
        ("w.pth", "?arch=resnet18", lambda p: torch.save([1, 2], p), "cannot be read as weights"),
        ("w.safetensors", "?arch=resnet18", lambda p: p.write_bytes(b"hello"), "cannot be read as weights"),
        ("w.pt2", "", lambda p: p.write_bytes(b"hello"), "cannot be read as an archive"),
        ("folder/w", "", None, "no file"),
    ],
)
def test_what_cannot_be_loaded_is_told(
    tmp_path: Path, name: str, query: str, write: Callable | None, sentence: str
) -> None:
    if write is not None:
        write(tmp_path / name)
    with pytest.raises(ConvscopeError, match=sentence):
        models.load(f"{tmp_path / name}{query}")


def test_a_mismatch_names_the_first_keys_and_the_shapes_expected(network: nn.Module, tmp_path: Path) -> None:
    state = network.state_dict()
    state["features.0.weight"] = torch.zeros(64, 1, 3, 3)
    state["features.1.extra"] = state.pop("features.3.squeeze.bias")
    torch.save(state, tmp_path / "w.pth")
    with pytest.raises(ConvscopeError) as caught:
        models.load(f"{tmp_path}/w.pth?arch=squeezenet1_1")
    for language in ("en", "ko"):
        sentence = caught.value.sentence(language)
        assert "features.3.squeeze.bias 16" in sentence
        assert "features.1.extra 16" in sentence
        assert "features.0.weight 64×3×3×3 ≠ 64×1×3×3" in sentence


def test_too_few_class_names(network: nn.Module, tmp_path: Path) -> None:
    torch.save(network.state_dict(), tmp_path / "w.pth")
    (tmp_path / "names.txt").write_text("a\nb\n")
    with pytest.raises(ConvscopeError, match="3 classes, but there are 2 names"):
        models.load(f"{tmp_path}/w.pth?arch=squeezenet1_1&classes={tmp_path}/names.txt")


def test_an_archive_for_one_picture_at_a_time_is_told_how_to_export(tmp_path: Path) -> None:
    class OneRow(nn.Module):
        def forward(self, x: Tensor) -> Tensor:
            return x.view(1, -1)[:, :7]

    torch.export.save(torch.export.export(OneRow(), (torch.rand(1, 3, 16, 16),)), tmp_path / "one.pt2")
    with pytest.raises(ConvscopeError, match="dynamic_shapes"):
        models.load(str(tmp_path / "one.pt2"))
