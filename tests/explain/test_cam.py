"""The CAM family against pytorch-grad-cam and captum, and CAM against the class score it adds up to."""

import numpy as np
import pytest
import torch
from captum.attr import GuidedGradCam
from pytorch_grad_cam import GradCAM, GradCAMPlusPlus, LayerCAM, ScoreCAM
from pytorch_grad_cam.utils.model_targets import ClassifierOutputTarget
from torch import nn

from tests.explain.reference import difference, noise_picture, reference_network
from viz_core import models
from viz_core.__main__ import main
from viz_core.errors import ConvscopeError
from viz_core.explain.cam import Cam
from viz_core.images.refs import open_image
from viz_core.images.tensor import to_input
from viz_core.models.cam import gradient_cam, map_layers
from viz_core.technique import finish

TARGET = 8
# the last layer with positions, as torchvision names its module and as the graph names the value
LAYERS = {
    "alexnet": ("features.11", "features.11"),
    "resnet18": ("layer4", "layer4.1.relu_1"),
    "densenet121": ("features.denseblock4", "cat_61"),
    "squeezenet1_1": ("features.12", "cat_7"),
}
EARLY = {  # with few channels, because Score-CAM asks the network once for each
    "alexnet": ("features.1", "features.1"),
    "resnet18": ("layer1", "layer1.1.relu_1"),
    "densenet121": ("features.transition1.conv", "features.transition1.conv"),
    "squeezenet1_1": ("features.3", "cat"),
}
REFERENCE = {"gradcam": GradCAM, "gradcam++": GradCAMPlusPlus, "layercam": LayerCAM, "scorecam": ScoreCAM}


def technique(model: str = "resnet18", **parameters) -> Cam:
    usual = {"image": noise_picture(), "size": 64, "target": TARGET, "model": f"random:{model}", "classes": 1}
    return Cam(**(usual | parameters))


class Normalised(nn.Module):
    """The normalisation alone: Score-CAM masks what comes out of it."""

    def forward(self, x):
        mean, std = torch.tensor([0.485, 0.456, 0.406]), torch.tensor([0.229, 0.224, 0.225])
        return (x - mean[:, None, None]) / std[:, None, None]


def grad_cam(method: str, name: str, module: str, x: torch.Tensor, target: int) -> np.ndarray:
    """The reference map (h, w) before it is scaled to [0, 1] and to the picture."""
    network = reference_network(name).network.requires_grad_(True)
    oracle = REFERENCE[method](network, [network.get_submodule(module)])
    with oracle:
        oracle(Normalised()(x), [ClassifierOutputTarget(target)])
        values = oracle.activations_and_grads
        gradients = values.gradients[0].numpy() if values.gradients else None
        args = (Normalised()(x), network, [ClassifierOutputTarget(target)], values.activations[0].numpy(), gradients)
        return np.maximum(oracle.get_cam_image(*args, eigen_smooth=False), 0)[0]


@pytest.mark.parametrize("name", list(LAYERS))
@pytest.mark.parametrize("method", list(REFERENCE))
def test_equals_grad_cam(name, method):
    module, layer = (EARLY if method == "scorecam" else LAYERS)[name]
    result = finish(technique(name, method=method, layer=layer).run())
    expected = grad_cam(method, name, module, torch.from_numpy(result.arrays["input"]), TARGET)
    assert difference(result.arrays["map"], expected) < 1e-5


@pytest.mark.parametrize("name", ["alexnet", "resnet18", "squeezenet1_1"])
def test_guided_grad_cam_equals_captum_where_captum_sees_every_relu(name):
    result = finish(technique(name, method="guided", layer=LAYERS[name][1]).run())
    network = reference_network(name)
    oracle = GuidedGradCam(network, network.network.get_submodule(LAYERS[name][0]))
    x = torch.from_numpy(result.arrays["input"]).requires_grad_()
    expected = oracle.attribute(x, TARGET, interpolate_mode="bilinear")
    assert difference(result.arrays["detail"], expected) < 1e-5


@pytest.mark.parametrize("model", ["bundled-random", "random:resnet18", "random:densenet121", "random:squeezenet1_1"])
def test_the_mean_of_cam_and_the_bias_are_the_class_score(model):
    result = finish(
        technique(model="resnet18").model_copy(update={"model": model, "method": "cam", "classes": 3}).run()
    )
    head = models.load(model).head()
    for values, row in zip(result.arrays["maps"], result.tables["classes"], strict=True):
        assert values.mean() + float(head.bias[row["index"]]) == pytest.approx(row["score"], abs=1e-4)
        assert np.ptp(values) > 1e-6


def test_cam_says_where_it_cannot_be():
    with pytest.raises(ConvscopeError, match="Grad-CAM"):
        finish(technique("alexnet", method="cam").run())
    with pytest.raises(ConvscopeError, match="no positions"):
        finish(technique("alexnet", layer="classifier.1").run())


TRANSFORMERS = {
    "vit_b_16": ("encoder.layers.encoder_layer_11.ln_1", "encoder.layers.encoder_layer_11.ln_1"),
    "swin_t": ("norm", "norm"),
}


@pytest.mark.parametrize("name", list(TRANSFORMERS))
@pytest.mark.parametrize("method", ["gradcam", "gradcam++", "layercam"])
def test_equals_grad_cam_on_the_tokens_of_transformers(name, method):
    """grad-cam needs to be told how tokens become maps; here their shape tells."""
    module, layer = TRANSFORMERS[name]
    found = models.load(f"random:{name}")
    x = to_input(open_image(noise_picture(224, 224)), 224)
    network = reference_network(name)
    if name == "vit_b_16":  # torchvision starts its head at zero
        network.network.heads.head.weight.data = found.weight("heads.head")
        network.network.heads.head.bias.data = found._program.modules["heads.head"].bias
    tokens_to_maps = {
        "vit_b_16": lambda tokens: tokens[:, 1:].reshape(len(tokens), 14, 14, -1).permute(0, 3, 1, 2),
        "swin_t": lambda tokens: tokens.permute(0, 3, 1, 2),
    }
    target, layers = [ClassifierOutputTarget(TARGET)], [network.network.get_submodule(module)]
    network.requires_grad_(True)
    with REFERENCE[method](network, layers, reshape_transform=tokens_to_maps[name]) as oracle:
        network(x.requires_grad_())
        scores = oracle.activations_and_grads(x)
        scores[:, TARGET].sum().backward()
        seen = oracle.activations_and_grads
        expected = oracle.get_cam_image(
            x, layers[0], target, seen.activations[-1].numpy(), seen.gradients[-1].numpy(), False
        )
    values = gradient_cam(found, x.detach(), TARGET, layer, method)
    assert difference(values[0], np.maximum(expected, 0)[0]) < 1e-5


def test_the_usual_layer_of_a_transformer_is_the_last_whose_places_reach_the_score():
    assert map_layers(models.load("random:vit_b_16"))[-1] == TRANSFORMERS["vit_b_16"][1]
    wide = Cam(model="random:vit_b_16", image=noise_picture(64, 96), size=64, classes=1, target=TARGET)
    result = finish(wide.run())
    assert result.arrays["map"].shape == (4, 6)
    assert result.arrays["map"].max() > 0


def test_the_usual_layer_is_the_last_with_positions():
    assert map_layers(models.load("random:resnet18"))[-1] == "layer4.1.relu_1"
    assert map_layers(models.load("random:vgg11"))[-1] == "features.19"
    assert map_layers(models.load("bundled-random"))[-1].endswith("relu1")


def test_several_classes_share_one_scale_and_begin_with_the_chosen_one():
    result = finish(technique(classes=4, target=700).run())
    classes = result.tables["classes"]
    assert [classes[0]["index"], len(classes), len({row["index"] for row in classes})] == [700, 4, 4]
    assert len({(row["low"], row["high"]) for row in classes}) == 1
    apart = finish(technique(classes=4, target=700, scale="each").run())
    assert len({row["high"] for row in apart.tables["classes"]}) > 1


def test_score_cam_stops_at_once_and_keeps_what_it_has():
    run = technique(method="scorecam", layer="layer2.0.relu").run()
    step = next(run)
    with pytest.raises(StopIteration) as end:
        run.send(True)
    assert step.done < step.total
    assert end.value.value.scores["channels"] == step.done
    assert end.value.value.arrays["map"].max() > 0


def test_command_line(tmp_path):
    arguments = ["cam", "--model", "random:resnet18", "--size", "64", "--method", "layercam", "--out"]
    assert main([*arguments, str(tmp_path)]) == 0
    first = {path.name: path.read_bytes() for path in tmp_path.glob("*.png")}
    assert main(["replay", str(tmp_path / "map.png"), "--out", str(tmp_path / "again")]) == 0
    assert first == {path.name: path.read_bytes() for path in (tmp_path / "again").glob("*.png")}
