"""Networks people bring along: kept, bounded, loaded, and no other file of the server within reach of a link."""

import pytest
import torch
import torchvision
from safetensors.torch import save

from viz_core.errors import ConvscopeError
from viz_core.models import load
from viz_core.models.kept import MOST_NETWORKS, forget, keep_network, kept_folder, may_be_named


@pytest.fixture(autouse=True)
def _own_cache(tmp_path, monkeypatch):
    monkeypatch.setenv("CONVSCOPE_CACHE", str(tmp_path / "cache"))


def test_a_brought_network_answers_as_the_module_does():
    torch.manual_seed(4)
    module = torchvision.models.squeezenet1_1(num_classes=3).eval()
    name = keep_network("mine.safetensors", save(module.state_dict()), "squeezenet1_1", "a\nb\n\nc\n")
    network = load(name)
    x = torch.rand(1, 3, 64, 64)
    mean, std = torch.tensor([0.485, 0.456, 0.406]).view(3, 1, 1), torch.tensor([0.229, 0.224, 0.225]).view(3, 1, 1)
    torch.testing.assert_close(network(x), module((x - mean) / std).detach(), atol=1e-5, rtol=1e-5)
    assert network.class_names == ("a", "b", "c")
    assert may_be_named(name)


def test_only_so_many_are_kept():
    for number in range(MOST_NETWORKS + 3):
        keep_network("mine.safetensors", f"{number}".encode(), "alexnet", "")
    assert len(list(kept_folder().iterdir())) == MOST_NETWORKS


def test_one_that_does_not_work_can_be_forgotten():
    name = keep_network("mine.safetensors", b"no weights", "alexnet", "")
    with pytest.raises(ConvscopeError):
        load(name)
    forget(name)
    assert not list(kept_folder().iterdir())


def test_another_kind_of_file_and_a_closed_disk_get_their_sentences(tmp_path, monkeypatch):
    with pytest.raises(ConvscopeError, match="safetensors"):
        keep_network("mine.onnx", b"", "alexnet", "")
    (tmp_path / "file").write_text("")
    monkeypatch.setenv("CONVSCOPE_CACHE", str(tmp_path / "file"))
    with pytest.raises(ConvscopeError, match="disk"):
        keep_network("mine.pth", b"", "alexnet", "")


def test_a_link_reaches_no_other_file(tmp_path, monkeypatch):
    assert may_be_named("bundled")
    assert may_be_named("random:alexnet")
    outside = tmp_path / "elsewhere" / "net.safetensors"
    for name in (str(outside), f"{kept_folder()}/../../elsewhere/net.safetensors", "/etc/passwd"):
        assert not may_be_named(name)
    monkeypatch.setenv("CONVSCOPE_NETWORKS", str(outside.parent))
    assert may_be_named(f"{outside}?arch=alexnet")
