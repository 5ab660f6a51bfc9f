"""The catalogue: every network of it, and learnt weights from the file to the logits."""

import dataclasses
import hashlib
import re
from pathlib import Path

import pytest
import torch
import torchvision
from torch import nn

from viz_core import models
from viz_core.errors import ConvscopeError
from viz_core.models import zoo
from viz_core.models.graph import GraphModel
from viz_core.models.trace import trace
from viz_core.models.vit import any_size

FAMILIES = {
    *("AlexNet", "VGG", "ResNet", "DenseNet", "GoogLeNet", "Inception", "SqueezeNet", "MobileNet", "EfficientNet"),
    *("RegNet", "Vision transformer", "Swin", "ConvNeXt"),
}


def test_the_catalogue_holds_every_family_and_names_files_by_their_hash() -> None:
    entries = zoo.entries()
    assert len(entries) >= 25
    assert {entry.family for entry in entries} >= FAMILIES
    assert all(re.search(r"-[0-9a-f]{8,10}\.pth$", entry.url) for entry in entries)
    assert {len(entry.class_names) for entry in entries} == {1000}
    assert zoo.find("inception_v3").input_size == 299
    assert zoo.find("no such network") is None


@pytest.mark.parametrize("entry", zoo.entries(), ids=lambda entry: entry.name)
def test_every_network_becomes_a_graph_with_all_its_parameters(entry: zoo.ZooEntry) -> None:
    program = trace(any_size(zoo.empty_network(entry.name)))
    model = GraphModel(
        entry.name,
        program,
        class_names=entry.class_names,
        input_size=entry.input_size,
        mean=entry.mean,
        std=entry.std,
        device=torch.device("cpu"),
    )
    layers = model.layers((entry.input_size, entry.input_size + 32))
    assert layers[-1].shape == (1000,)
    assert model.convolutions()
    assert any(layer.kind == "Linear" or layer.name == "classifier.1" for layer in layers)
    counted = sum(layer.parameters for layer in layers)
    if entry.family in ("Vision transformer", "Swin"):  # which have a few numbers beside their layers
        assert 0.999 < counted / entry.parameters <= 1
    elif entry.family not in ("Inception", "ConvNeXt"):  # with extra heads; with numbers beside its layers
        assert counted == entry.parameters


def test_random_weights_are_those_of_the_seed_and_leave_the_random_state_alone() -> None:
    torch.manual_seed(5)
    before = torch.random.get_rng_state()
    first, other = (zoo.build_random("squeezenet1_1", seed).state_dict() for seed in (3, 4))
    assert torch.equal(before, torch.random.get_rng_state())
    torch.manual_seed(3)
    expected = torchvision.models.squeezenet1_1(weights=None).state_dict()
    assert all(torch.equal(first[key], expected[key]) for key in expected)
    assert not torch.equal(first["features.0.weight"], other["features.0.weight"])


def old_densenet_key(key: str) -> str:
    return re.sub(r"(denselayer\d+\.(?:norm|conv))([12])\.", r"\1.\2.", key)


@pytest.mark.parametrize(
    ("name", "rename"),
    [("squeezenet1_1", str), ("densenet121", old_densenet_key), ("googlenet", str)],
)
def test_learnt_weights_give_the_logits_of_torchvision(
    name: str, rename: object, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    options = {"transform_input": True, "init_weights": False} if name == "googlenet" else {}
    network = torchvision.models.get_model(name, weights=None, **options).eval()
    entry = offer(monkeypatch, tmp_path, name, {rename(key): value for key, value in network.state_dict().items()})
    assert zoo.is_cached(name)
    model = models.load(name)
    x = torch.rand(1, 3, 64, 80)
    mean, std = (torch.tensor(values)[:, None, None] for values in (entry.mean, entry.std))
    assert (model(x) - network((x - mean) / std)).abs().max() < 1e-5
    assert not any(parameter.requires_grad for parameter in model._program.modules[""].parameters())


def offer(monkeypatch: pytest.MonkeyPatch, home: Path, name: str, state: dict) -> zoo.ZooEntry:
    """Put a checkpoint where the weights of this network are expected, under a name that carries its hash."""
    monkeypatch.setenv("TORCH_HOME", str(home))
    folder = home / "hub" / "checkpoints"
    folder.mkdir(parents=True)
    torch.save(state, folder / "weights.pth")
    digest = hashlib.sha256((folder / "weights.pth").read_bytes()).hexdigest()
    file = (folder / "weights.pth").rename(folder / f"{name}-{digest[:8]}.pth")
    entry = dataclasses.replace(zoo.find(name), url=f"http://127.0.0.1:1/{file.name}")
    monkeypatch.setattr(zoo, "_by_name", lambda: {name: entry})
    return entry


def test_without_a_network_the_sentence_offers_those_that_need_none(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.setenv("TORCH_HOME", str(tmp_path))
    entry = dataclasses.replace(zoo.find("alexnet"), url="http://127.0.0.1:1/alexnet-00000000.pth")
    monkeypatch.setattr(zoo, "_by_name", lambda: {"alexnet": entry})
    assert not zoo.is_cached("alexnet")
    with pytest.raises(ConvscopeError, match="choose 'bundled'"):
        models.load("alexnet")


def test_a_checkpoint_that_carries_code_is_not_run(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    offer(monkeypatch, tmp_path, "resnet18", {"conv1.weight": nn.Linear(1, 1)})
    with pytest.raises(ConvscopeError, match="more than tensors"):
        models.load("resnet18")


def test_unknown_names_are_told_with_close_ones() -> None:
    with pytest.raises(ConvscopeError, match=r"no network 'resnet19'.*resnet18"):
        models.load("resnet19")
    with pytest.raises(ConvscopeError, match=r"'random:vgg'.*random:vgg1"):
        models.load("random:vgg")
