"""The graph of a network against the network itself, run by torch."""

import copy

import pytest
import torch
import torch.nn.functional as F
from torch import Tensor, nn

from tests.models.networks import graph_of, torchvision_network
from viz_core import models
from viz_core.errors import ConvscopeError
from viz_core.models import zoo
from viz_core.models.graph import GraphModel


@pytest.fixture(scope="module")
def picture() -> Tensor:
    return torch.rand(2, 3, 64, 80, generator=torch.Generator().manual_seed(1))


@pytest.mark.parametrize("name", ["alexnet", "resnet18", "densenet121", "googlenet", "squeezenet1_1", "convnext_tiny"])
def test_logits_are_those_of_torchvision_on_pictures_that_are_not_square(name: str, picture: Tensor) -> None:
    expected = torchvision_network(name)(picture)
    assert (models.load(f"random:{name}")(picture) - expected).abs().max() == 0


def test_activations_hold_the_values_before_an_in_place_relu(picture: Tensor) -> None:
    model = models.load("random:alexnet")
    network = torchvision_network("alexnet").network
    network.features[1].inplace = False
    before = model.activations(picture, ["features.0", "features.1"])
    mean, std = torch.tensor(zoo.IMAGENET_MEAN), torch.tensor(zoo.IMAGENET_STD)
    expected = network.features[0]((picture - mean[:, None, None]) / std[:, None, None])
    assert before["features.0"].min() < 0
    assert torch.equal(before["features.0"], expected)
    assert torch.equal(before["features.1"], expected.relu())


class Overwriting(nn.Module):
    """Overwrites values in every way there is, and reads them afterwards."""

    def __init__(self) -> None:
        super().__init__()
        self.conv = nn.Conv2d(3, 4, 3)
        self.relu = nn.ReLU(inplace=True)
        self.fc = nn.Linear(4, 10)

    def forward(self, x: Tensor) -> Tensor:
        y = self.conv(x)
        early = y * 1
        self.relu(y)
        z = F.hardtanh(y * 3, 0.1, 2.0, inplace=True) + y
        z.add_(early)
        torch.relu_(z)
        F.leaky_relu_(z, 0.5)
        return self.fc(z.mean((2, 3)))


def test_overwritten_values_are_read_as_torch_would_read_them(picture: Tensor) -> None:
    network = Overwriting().eval()
    with torch.no_grad():
        expected = copy.deepcopy(network)(picture)
    model = graph_of(network)
    assert torch.equal(model(picture), expected)
    values = model.activations(picture, model.layer_names)
    again = model.activations(picture, "conv")["conv"]
    assert torch.equal(values["conv"], again)
    assert again.min() < 0


class ManyHeads(nn.Module):
    def __init__(self, shape: str) -> None:
        super().__init__()
        self.conv, self.fc, self.shape = nn.Conv2d(3, 4, 3), nn.Linear(4, 10), shape

    def forward(self, x: Tensor) -> object:
        maps = self.conv(x)
        logits, other = self.fc(maps.mean((2, 3))), maps.sum()
        return {"dict": {"out": logits, "aux": other}, "tuple": (logits, other), "nested": [(logits,), other]}[
            self.shape
        ]


@pytest.mark.parametrize("shape", ["dict", "tuple", "nested"])
def test_networks_with_several_outputs_give_plain_logits(shape: str, picture: Tensor) -> None:
    model = graph_of(ManyHeads(shape))
    assert model(picture).shape == (2, 10)
    assert "sum_1" not in model.layer_names


@pytest.mark.parametrize("name", ["squeezenet1_1", "mobilenet_v3_small", "shufflenet_v2_x1_0", "googlenet"])
def test_shapes_and_names_are_those_of_the_values(name: str) -> None:
    model = models.load(f"random:{name}")
    layers = model.layers((64, 96))
    values = model.activations(torch.rand(1, 3, 64, 96), [layer.name for layer in layers])
    assert len(values) == len(layers)
    assert [tuple(values[layer.name].shape[1:]) for layer in layers] == [layer.shape for layer in layers]


def test_a_reused_module_has_a_name_for_every_use() -> None:
    names = models.load("random:resnet18").layer_names
    assert {"layer1.0.relu", "layer1.0.relu_1", "add", "add_7", "relu"} <= set(names)
    assert len(set(names)) == len(names)
    assert {"cat", "relu", "relu_1"} <= set(models.load("random:googlenet").layer_names)


def test_nothing_behind_the_deepest_layer_is_computed() -> None:
    model = models.load("random:alexnet")
    small = torch.rand(1, 3, 32, 32)
    with pytest.raises(ConvscopeError, match="cannot take a picture of 32 x 32"):
        model(small)
    assert model.activations(small, "features.3")["features.3"].shape == (1, 192, 3, 3)


def test_an_unknown_layer_is_told_with_those_close_to_it() -> None:
    with pytest.raises(ConvscopeError, match=r"no layer 'feature\.0'.*features\.0"):
        models.load("random:alexnet").activations(torch.rand(1, 3, 64, 64), "feature.0")


def test_gradients_reach_the_picture_and_not_the_weights(picture: Tensor) -> None:
    model = models.load("random:alexnet")
    x, y = picture.clone().requires_grad_(), picture.clone().requires_grad_()
    (ours,) = torch.autograd.grad(model(x)[:, 7].sum(), x)
    (theirs,) = torch.autograd.grad(torchvision_network("alexnet")(y)[:, 7].sum(), y)
    assert (ours - theirs).abs().max() == 0
    assert not model.weight("features.0").requires_grad


@pytest.mark.parametrize("layer", ["features.2", "avgpool", "classifier.6"])
def test_the_rest_of_the_network_continues_from_a_layer(layer: str, picture: Tensor) -> None:
    model = models.load("random:alexnet")
    values = model.activations(picture, layer)[layer]
    assert torch.equal(model.after(layer)(values), model(picture))


def test_a_layer_with_ways_around_it_has_no_rest() -> None:
    model = models.load("random:resnet18")
    with pytest.raises(ConvscopeError, match="values from before it"):
        model.after("layer2.0.conv1")
    assert callable(model.after("layer2.0.relu_1"))


@pytest.mark.parametrize(
    "name", ["resnet18", "squeezenet1_1", "googlenet", "densenet121", "mnasnet1_0", "regnet_x_400mf", "bundled-random"]
)
def test_the_head_over_the_averaged_maps_gives_the_logits(name: str, picture: Tensor) -> None:
    model = models.load(name if name.startswith("bundled") else f"random:{name}")
    layer, weight, bias = model.head()
    maps = model.activations(picture, layer)[layer]
    logits = maps.mean((2, 3)) @ weight.T + bias
    assert (logits - model(picture)).abs().max() < 1e-4 * logits.abs().max()


@pytest.mark.parametrize("name", ["alexnet", "mobilenet_v3_small", "convnext_tiny"])
def test_networks_that_end_in_another_way_have_no_such_head(name: str) -> None:
    assert models.load(f"random:{name}").head() is None


def test_randomised_draws_new_weights_from_a_layer_on_and_shares_the_earlier_ones(picture: Tensor) -> None:
    model = models.load("random:squeezenet1_1")
    torch.manual_seed(9)
    state = torch.random.get_rng_state()
    fresh, same, other = (model.randomised("features.6.squeeze", seed) for seed in (3, 3, 4))
    assert torch.equal(state, torch.random.get_rng_state())
    assert fresh.weight("features.4.expand3x3") is model.weight("features.4.expand3x3")
    weight = fresh.weight("features.6.squeeze")
    assert torch.equal(weight, same.weight("features.6.squeeze"))
    assert not torch.equal(weight, other.weight("features.6.squeeze"))
    assert not torch.equal(fresh.weight("classifier.1"), model.weight("classifier.1"))
    layers = ["features.5", "features.6.squeeze"]
    before, after = model.activations(picture, layers), fresh.activations(picture, layers)
    assert torch.equal(before["features.5"], after["features.5"])
    assert not torch.equal(before["features.6.squeeze"], after["features.6.squeeze"])
    torch.manual_seed(3)
    assert torch.equal(weight, nn.Conv2d(weight.shape[1], weight.shape[0], 1).weight)
    assert len({model.digest, fresh.digest, other.digest}) == 3
    assert fresh.digest == same.digest
    assert torch.equal(fresh.with_relu("guided")(picture), fresh(picture))


def test_a_randomised_network_keeps_its_relu_rule(picture: Tensor) -> None:
    model = models.load("random:squeezenet1_1")

    def gradient(network: GraphModel) -> Tensor:
        x = picture.clone().requires_grad_()
        return torch.autograd.grad(network(x).sum(), x)[0]

    fresh = model.randomised("features.6.squeeze", 3)
    guided = gradient(fresh.with_relu("guided"))
    assert torch.equal(gradient(model.with_relu("guided").randomised("features.6.squeeze", 3)), guided)
    assert not torch.equal(gradient(fresh), guided)


def test_scores_are_remembered_for_each_picture_and_each_network(picture: Tensor) -> None:
    model = graph_of(torchvision_network("squeezenet1_1").network, size=64)
    fresh = model.randomised("features.6.squeeze", 1)
    one, other = picture[:1], picture[:1].flip(-1)
    pictures = (one, other, one, one[..., :-1], other)
    expected = [model(x)[0] for x in pictures]
    computed = []
    model._compute = lambda *given, compute=model._compute: computed.append(1) or compute(*given)
    assert all(torch.equal(model.scores(x), scores) for x, scores in zip(pictures, expected, strict=True))
    assert len(computed) == 3
    with torch.inference_mode():
        model.scores(one).zero_()
    assert torch.equal(model.scores(one), expected[0]), "what is given away may be changed"
    assert not torch.equal(fresh.scores(one), expected[0])


def test_the_digest_is_that_of_the_weights() -> None:
    model, network = models.load("random:squeezenet1_1"), torchvision_network("squeezenet1_1").network
    assert len(model.digest) == 16
    assert model.with_relu("guided").digest == model.digest
    assert graph_of(network).digest == model.digest
    network.features[0].weight.data[0, 0, 0, 0] += 1
    assert graph_of(network).digest != model.digest


def test_targets_are_indices_names_or_the_first_choice(picture: Tensor) -> None:
    model = models.load("random:alexnet")
    one = picture[:1]
    best = int(model(one).argmax())
    assert model.target_index(None, one) == best
    assert model.target_index(282, one) == model.target_index("282", one) == 282
    assert model.class_names[model.target_index("Tabby", one)] == "tabby"
    assert model.class_names[model.target_index("tiger c", one)] == "tiger cat"
    index, name, probability = model.top(one, 3)[0]
    assert (index, name) == (best, model.class_names[best])
    assert probability == pytest.approx(float(model(one).softmax(1).max()), rel=1e-6)
    with pytest.raises(ConvscopeError, match=r"no class 'tabbi'.*tabby"):
        model.target_index("tabbi", one)
    with pytest.raises(ConvscopeError, match="numbered 0 to 999"):
        model.target_index(1000, one)


def test_layers_left_open_are_the_last_of_their_kind() -> None:
    model = models.load("random:resnet18")
    assert model.resolve_layer("layer1.0.conv1") == "layer1.0.conv1"
    assert model.resolve_layer(None) == "layer4.1.conv2"
    assert model.resolve_layer(None, "map") == "layer4.1.relu_1"
    assert model.resolve_layer(None, "Linear") == "fc"
    with pytest.raises(ConvscopeError, match="no layer of the kind GELU"):
        model.resolve_layer(None, "GELU")


def test_only_layers_with_weights_have_weights() -> None:
    model = models.load("random:resnet18")
    assert model.weight("conv1").shape == (64, 3, 7, 7)
    assert model.weight("fc").shape == (1000, 512)
    for layer in ("relu", "bn1", "add"):
        with pytest.raises(ConvscopeError, match="no weight that can be shown"):
            model.weight(layer)
