"""Training: it learns, goes on exactly after a stop, and ends annealed whatever happens to its time."""

import csv
import json
from dataclasses import replace
from functools import partialmethod

import numpy as np
import pytest
import torch

from viz_core.models import train
from viz_core.models.augment import random_views
from viz_core.models.export import averaged_net, export
from viz_core.models.muon import orthogonal
from viz_core.models.tiny_imagenet import Labelled, load_split
from viz_core.models.train import Pace, Run, TrainConfig, norms, rate_at, sharing, side_at, soften
from viz_core.models.training_recipe import recipe_of, with_history

TOY = TrainConfig(
    classes=2,
    first=8,
    stages=((8,), (16,)),
    epochs=6,
    batch=32,
    sizes=((0.0, (16,)), (0.6, (32, 24))),
    ema=0.9,
    validate_on=64,
)


def two_classes(count: int, seed: int) -> Labelled:
    """Pictures of stripes that lie (0) or stand (1), in noise."""
    generator = torch.Generator().manual_seed(seed)
    labels = torch.arange(count) % 2
    phase = torch.rand(count, 1, 1, generator=generator) * 6.28
    lying = torch.sin(torch.arange(64)[None, :, None] * 0.4 + phase).expand(count, 64, 64)
    stripes = torch.where(labels[:, None, None] == 0, lying, lying.transpose(1, 2))[:, None].expand(count, 3, 64, 64)
    noise = torch.randn(count, 3, 64, 64, generator=generator)
    images = (127 + 60 * stripes + 30 * noise).clamp(0, 255).byte()
    return Labelled(images, labels, torch.zeros(count, 4, dtype=torch.int64))


def toy_run(out, **changes) -> Run:
    return Run(replace(TOY, **changes), two_classes(256, 0), two_classes(64, 1), out, torch.device("cpu"))


def weights(run: Run) -> list[torch.Tensor]:
    return [value.clone() for net in (run.net, run.average) for value in net.state_dict().values()]


def test_learns_two_classes_and_logs_every_epoch(tmp_path):
    toy_run(tmp_path).go()
    rows = list(csv.DictReader((tmp_path / "log.csv").open()))
    assert [float(row["epoch"]) for row in rows] == [1, 2, 3, 4, 5, 6]
    assert [row["size"] for row in rows] == ["16", "16", "16", "32", "32", "32"]
    assert float(rows[-1]["val_top1"]) > 0.9
    assert float(rows[-1]["rate"]) == 0


def test_resumes_exactly(tmp_path):
    whole = toy_run(tmp_path / "whole", epochs=2)
    whole.go()
    first = toy_run(tmp_path / "parts", epochs=2)
    first.go(until_step=5)
    first.save()
    second = toy_run(tmp_path / "parts", epochs=2)
    second.resume()
    second.go()
    assert second.step == whole.step
    assert all(torch.equal(a, b) for a, b in zip(weights(whole), weights(second), strict=True))
    assert (tmp_path / "whole/log.csv").read_text().count("\n") == (tmp_path / "parts/log.csv").read_text().count("\n")


def test_a_compiled_run_learns_the_same(tmp_path, monkeypatch):
    without_machine_code = partialmethod(torch.nn.Module.compile, backend="aot_eager")  # which needs a C++ compiler
    monkeypatch.setattr(torch.nn.Module, "compile", without_machine_code)
    plain, compiled = (toy_run(tmp_path / name) for name in ("plain", "compiled"))
    compiled.compile()
    for run in (plain, compiled):
        run.go(until_step=3)
    assert all(torch.allclose(a, b, atol=1e-3) for a, b in zip(weights(plain), weights(compiled), strict=True))
    assert not torch.equal(compiled.net.fc.weight, toy_run(tmp_path / "new").net.fc.weight)


def test_the_end_of_a_schedule_can_be_repeated_alone(tmp_path):
    whole, end = toy_run(tmp_path / "whole", epochs=2), toy_run(tmp_path / "end", epochs=2, begin=0.5)
    for run in (whole, end):
        run.go()
    assert (whole.step, end.step) == (16, 8)
    assert recipe_of(torch.load(end.checkpoint, weights_only=True))["begin"] == 0.5
    with pytest.raises(SystemExit):
        train.main(["--data", str(tmp_path), "--out", str(tmp_path), "--begin", "0.5"])


def test_batch_norm_at_the_end_is_that_of_use(tmp_path):
    run = toy_run(tmp_path, epochs=2, frozen=0.5)
    run.go(until_step=8)
    before = [norm.running_var.clone() for norm in train.norms(run.average)]
    run.go()
    for net in (*run.nets, run.average):
        assert all(torch.equal(norm.running_var, old) for norm, old in zip(train.norms(net), before, strict=True))
        assert not any(norm.training for norm in train.norms(net))


def test_adversarial_run_starts_from_other_weights(tmp_path):
    standard = toy_run(tmp_path / "standard", epochs=1)
    standard.go()
    robust = toy_run(tmp_path / "robust", epochs=1, radius=0.5, attack_steps=2)
    robust.start_from(standard.checkpoint)
    assert torch.equal(robust.net.fc.weight, standard.average.fc.weight)
    assert [recipe["steps"] for recipe in robust.history] == [standard.step]
    robust.go()
    assert robust.checkpoint.exists()


def test_a_run_goes_on_from_shipped_weights(tmp_path):
    first = toy_run(tmp_path / "first", epochs=1)
    first.go()
    export([first.checkpoint], "standard", tmp_path)
    second = toy_run(tmp_path / "second", epochs=1)
    second.start_from(tmp_path / "standard.safetensors")
    pictures = first.val.images.float() / 255
    with torch.no_grad():
        assert torch.allclose(second.net.eval()(pictures), first.average(pictures), atol=0.02)  # half precision on disk
    second.go()
    recipe = recipe_of(torch.load(second.checkpoint, weights_only=True))
    assert [run["steps"] for run in with_history(recipe)] == [first.step, second.step]


def test_several_runs_ship_the_mean_of_their_weights(tmp_path):
    runs = [toy_run(tmp_path / name, epochs=1) for name in ("first", "second")]
    runs[0].go()
    runs[1].start_from(runs[0].checkpoint)
    runs[1].go()
    net = averaged_net(*(torch.load(run.checkpoint, weights_only=True) for run in runs))
    one, other = (run.average for run in runs)
    assert not torch.equal(one.conv1.weight, other.conv1.weight)
    assert torch.allclose(net.conv1.weight, (one.conv1.weight + other.conv1.weight) / 2, atol=1e-6)
    for mean, *both in zip(norms(net), norms(one), norms(other), strict=True):
        assert torch.allclose(mean.running_var, torch.stack([norm.running_var for norm in both]).mean(0), atol=1e-6)
    export([run.checkpoint for run in runs], "standard", tmp_path)
    assert json.loads((tmp_path / "standard.json").read_text())["recipe"]["runs_averaged"] == 2


def test_a_teacher_is_believed_as_much_as_the_run_says(tmp_path):
    labels = two_classes(256, 0).labels
    wrong = torch.nn.functional.one_hot(1 - labels, 2).half()
    right = []
    for share in (0.0, 1.0):
        run = toy_run(tmp_path / str(share), epochs=4, teacher_weight=share)
        run.taught = wrong
        run.go()
        right.append(train.accuracy(run.average, run.val.images, run.val.labels)[0])
    assert right[0] > 0.9
    assert right[1] < 0.1


def test_workers_share_the_weights_but_not_the_statistics(tmp_path):
    net = toy_run(tmp_path).net
    other = sharing(net)
    assert all(a is b for a, b in zip(net.parameters(), other.parameters(), strict=True))
    assert other.bn1.running_mean is not net.bn1.running_mean


def test_schedule_warms_up_and_ends_at_nothing():
    rates = [rate_at(TOY, step / 100) for step in range(101)]
    assert rates[0] < max(rates) == pytest.approx(1, abs=0.01)
    assert rates[-1] == 0
    assert [side_at(TOY, progress, step) for progress, step in ((0, 0), (0.59, 1), (0.6, 2), (1, 3))] == [
        16,
        16,
        32,
        24,
    ]


class Clock:
    """A time of our own."""

    def __init__(self, monkeypatch) -> None:
        self.now = 1000.0
        monkeypatch.setattr(train.time, "time", lambda: self.now)

    def step(self, pace: Pace, seconds: float) -> float:
        """Let one step take this long; how far the schedule moved."""
        before = pace.progress
        self.now += seconds
        pace.advance(seconds)
        return pace.progress - before


def test_pace_ends_with_its_time(monkeypatch):
    clock = Clock(monkeypatch)
    pace = Pace(total_steps=1, minutes=10)
    while not pace.done:
        clock.step(pace, 1.0 if clock.now < 1300 else 3.0)
    assert clock.now - 1000 == pytest.approx(600, rel=0.02)


def test_pause_is_survived(monkeypatch):
    clock = Clock(monkeypatch)
    pace = Pace(total_steps=1, minutes=10)
    for _ in range(100):
        clock.step(pace, 1.0)
    assert clock.step(pace, 300.0) < 0.05
    largest = 0.0
    while not pace.done:
        largest = max(largest, clock.step(pace, 1.0))
    assert clock.now - 1000 == pytest.approx(600, rel=0.05)
    assert largest < 0.05


def test_pause_beyond_the_end_still_anneals(monkeypatch):
    clock = Clock(monkeypatch)
    pace = Pace(total_steps=1, minutes=10)
    clock.step(pace, 1.0)
    clock.step(pace, 10_000.0)
    steps = 0
    while not pace.done:
        clock.step(pace, 1.0)
        steps += 1
    assert steps > 20


def test_views_have_size_range_and_seed():
    images = two_classes(8, 0).images
    one, same, other = (
        random_views(images, 40, torch.Generator().manual_seed(seed), (0.3, 1.0), 0.3) for seed in (0, 0, 1)
    )
    assert one.shape == (8, 3, 40, 40)
    assert 0 <= float(one.min()) <= float(one.max()) <= 1
    assert torch.equal(one, same)
    assert not torch.equal(one, other)


def test_whole_views_without_colour_are_the_pictures_or_their_mirrors():
    images = two_classes(8, 0).images
    views = random_views(images, 64, torch.Generator().manual_seed(0), (16 / 9, 16 / 9), 0.0)
    for view, image in zip(views, images.float() / 255, strict=True):
        assert min(float((view - image).abs().max()), float((view - image.flip(2)).abs().max())) < 1e-4


def test_erased_views_lose_pixels_to_grey_in_all_channels_and_keep_the_others():
    images = two_classes(40, 0).images
    plain, holed = (
        random_views(images, 64, torch.Generator().manual_seed(0), (0.3, 1.0), 0.2, erased) for erased in (0.0, 0.5)
    )
    changed = (plain != holed).any(1)
    assert holed.movedim(1, -1)[changed].unique().tolist() == pytest.approx([0.45])
    shares = changed.float().mean((1, 2))
    assert 10 < int((shares > 0).sum()) < 30  # of 40 pictures
    assert float(shares.max()) < 0.55


@pytest.mark.parametrize("size", [32, 64])
def test_kept_views_have_the_very_pixels_of_the_picture_or_its_mirror(size):
    images = torch.randint(0, 256, (6, 3, 64, 64), dtype=torch.uint8, generator=torch.Generator().manual_seed(0))
    views = random_views(images, size, torch.Generator().manual_seed(0), (0.3, 1.0), 0.0, kept=1.0)
    for view, image in zip(views, images.float() / 255, strict=True):
        beyond = torch.from_numpy(np.pad(image.numpy(), ((0, 0), (4, 4), (4, 4)), mode="symmetric"))
        windows = beyond.unfold(1, size, 1).unfold(2, size, 1)  # [3, place, place, size, size]
        aligned = torch.stack([windows, windows.flip(-1)])
        assert float((aligned - view[:, None, None]).abs().amax((1, 4, 5)).min()) < 1e-4


def test_only_a_share_of_the_views_keeps_the_pixels_and_none_that_is_larger_than_the_picture():
    images = two_classes(40, 0).images
    for size, changes in ((48, True), (96, False)):
        plain, half = (
            random_views(images, size, torch.Generator().manual_seed(0), (0.3, 1.0), 0.0, kept=kept)
            for kept in (0.0, 0.5)
        )
        changed = int((plain != half).flatten(1).any(1).sum())
        assert (10 < changed < 30) if changes else changed == 0


def test_orthogonal_step_has_singular_values_near_one():
    torch.manual_seed(0)
    values = torch.linalg.svdvals(orthogonal(torch.randn(16, 64), steps=5).float())
    assert 0.5 < float(values.min()) <= float(values.max()) < 1.5


def test_softened_filters_lose_the_finest_detail():
    torch.manual_seed(0)
    conv = torch.nn.Conv2d(3, 16, 7)
    checks = (-1.0) ** (torch.arange(7)[:, None] + torch.arange(7))

    def finest() -> float:
        return float((conv.weight.detach() * checks).sum((2, 3)).abs().mean())

    size, before = float(conv.weight.detach().std()), finest()
    soften(conv)
    assert finest() < 0.2 * before
    assert float(conv.weight.detach().std()) == pytest.approx(size, rel=1e-4)


def test_missing_data_is_said(tmp_path):
    with pytest.raises(FileNotFoundError, match="train"):
        load_split(tmp_path, "train", tmp_path / "cache")
