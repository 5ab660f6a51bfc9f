"""Vision transformers against torchvision's own, and their tokens as maps."""

import pytest
import torch
from torch import Tensor
from torchvision.models import SwinTransformer, VisionTransformer

from tests.models.networks import graph_of
from viz_core.models.graph import GraphModel
from viz_core.models.vit import any_size, with_positions


@pytest.fixture(scope="module")
def transformer() -> VisionTransformer:
    with torch.random.fork_rng():
        torch.manual_seed(0)
        network = VisionTransformer(32, 8, num_layers=2, num_heads=2, hidden_dim=16, mlp_dim=32, num_classes=10).eval()
        network.heads.head.reset_parameters()
        return network


@pytest.fixture(scope="module")
def graph(transformer: VisionTransformer) -> GraphModel:
    return graph_of(any_size(transformer), size=32)


def picture(height: int, width: int) -> Tensor:
    return torch.rand(2, 3, height, width, generator=torch.Generator().manual_seed(1))


def test_at_its_own_size_it_is_torchvisions(transformer, graph):
    x = picture(32, 32)
    assert torch.equal(graph(x), transformer(x))


def test_it_takes_pictures_of_any_size(graph):
    assert graph(picture(40, 57)).shape == (2, 10)
    assert graph.layer("encoder.ln", (40, 57)).shape == (16, 5, 7)


def test_positions_are_stretched_to_the_grid():
    across = torch.arange(4.0).repeat(4).view(1, 16, 1)  # each position tells its column
    positions = torch.cat([torch.full((1, 1, 1), 9.0), across], 1)
    told = with_positions(torch.zeros(1, 1 + 4 * 8, 1), positions, torch.zeros(1, 1, 4, 8))
    assert told[0, 0] == 9
    rows = told[0, 1:, 0].view(4, 8)
    assert torch.allclose(rows, rows[:1].expand(4, 8), atol=1e-5)
    assert (rows[0].diff() > 0).all()


def test_tokens_are_maps_and_what_follows_is_computed_from_them(graph, transformer):
    """The gradient at the maps is the gradient at the tokens that torchvision's own network holds."""
    kept: list[Tensor] = []
    layer = transformer.encoder.layers[1].ln_1
    hook = layer.register_forward_hook(lambda module, given, tokens: kept.append(tokens))
    x = picture(32, 32).requires_grad_()
    scores = transformer(x)[:, 3].sum()
    (expected,) = torch.autograd.grad(scores, kept[-1])
    hook.remove()
    values = graph.activations(x, ("encoder.layers.encoder_layer_1.ln_1", "heads.head"))
    maps = values["encoder.layers.encoder_layer_1.ln_1"]
    (found,) = torch.autograd.grad(values["heads.head"][:, 3].sum(), maps)
    assert maps.shape == (2, 16, 4, 4)
    assert torch.allclose(maps.flatten(2).transpose(1, 2), kept[-1][:, 1:], atol=1e-6)
    assert torch.allclose(found.flatten(2).transpose(1, 2), expected[:, 1:], atol=1e-7)
    assert expected[:, 1:].abs().max() > 1e-4


def test_all_of_a_window_attention_is_drawn_anew():
    with torch.random.fork_rng():
        torch.manual_seed(0)
        network = SwinTransformer([4, 4], 12, [2], [2], [2, 2], num_classes=5).eval()
    model = graph_of(network, size=32)
    fresh = model.randomised(model.layer_names[0], 1)
    before, after = model._program.constants, fresh._program.constants
    drawn = [name for name, value in before.items() if value.is_floating_point()]
    assert {name.rpartition(".")[2] for name in drawn} == {"weight", "bias", "relative_position_bias_table"}
    assert not any(torch.equal(before[name], after[name]) for name in drawn)
    assert all(0 < float(after[name].std()) < 0.5 for name in drawn)
