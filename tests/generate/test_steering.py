"""Steering: parameters change while a run is at work, the recipe tells, and playing it again gives the same bytes."""

import contextlib
import gc

import numpy as np
import pytest
import torch

from viz_core.errors import ConvscopeError
from viz_core.export import film_mp4
from viz_core.generate.canvas import Fourier, Pixels, grey
from viz_core.generate.class_image import ClassImage
from viz_core.generate.deepdream import DeepDream
from viz_core.generate.in_step import in_step
from viz_core.generate.inversion import Inversion
from viz_core.generate.loop import optimise
from viz_core.generate.objective import Norm, Objective
from viz_core.generate.optimiser import GradientDescent, NormalisedStep
from viz_core.generate.steering import Plan, read_turn, turn
from viz_core.images.intake import Picture
from viz_core.images.refs import keep_upload
from viz_core.images.video import load_clip
from viz_core.jobs import Scheduler
from viz_core.technique import Steer, finish

MODEL = {"model": "bundled-random", "size": 32}
RUNS = {
    "class image": (ClassImage(**MODEL, steps=8, target=3), {"l2": 50.0, "rate": 1.0}),
    "ladder": (ClassImage(**MODEL, steps=3, target=3, compare="twins"), {"l2": 50.0}),
    "dream": (DeepDream(**MODEL, octaves=2, steps=4), {"step_size": 3.0, "also": ("conv1",), "weights": (0.0, 1.0)}),
    "inversion": (Inversion(**MODEL, layers=("relu1",), steps=8), {"tv": 5.0}),
}


def steered(technique, at, changes):
    """The result of a run that is told of the changes after so many steps."""
    run, sent = technique.run(), None
    while True:
        try:
            step = run.send(sent)
        except StopIteration as end:
            return end.value
        sent = Steer(changes) if step.done == at else None


@pytest.mark.parametrize("name", RUNS)
def test_a_steered_run_is_another_one_and_plays_again(name):
    technique, changes = RUNS[name]
    plain, result = finish(technique.run()), steered(technique, 3, changes)
    assert not np.array_equal(plain.arrays["image"], result.arrays["image"])
    assert result.recipe.parameters["steering"] == [turn(3, changes)]
    assert result.recipe.digest != plain.recipe.digest
    again = finish(type(technique)(**result.recipe.parameters).run())
    np.testing.assert_array_equal(again.arrays["image"], result.arrays["image"])
    assert again.recipe == result.recipe


def test_changes_reach_the_loop_at_the_next_step():
    values = []

    def plan(changes):
        return Plan(changes["weight"] * Norm(), GradientDescent(1.0))

    run = optimise(
        None, Pixels(grey((1, 3, 2, 2), 0.9)), 1 * Norm(), GradientDescent(1.0), 3, relative=False, replan=plan
    )
    next(run)
    for sent in (Steer({"weight": 0.0}), None):
        values.append(run.send(sent).curves)
    assert values == [{}, {}]
    with pytest.raises(StopIteration) as end:
        run.send(None)
    # one step down the gradient of the mean square, 2 (x - 0.5) / 12, and none after that
    assert float(end.value.value.last[0, 0, 0, 0]) == pytest.approx(0.9 - 0.8 / 12)


def test_steering_is_no_request_to_end():
    assert not Steer({"l2": 1.0})

    def painting():
        return optimise(None, Pixels(grey((1, 3, 2, 2))), Norm(), NormalisedStep(0.1), 4)

    run, steps = in_step({"a": painting(), "b": painting()}), 0
    next(run)
    with contextlib.suppress(StopIteration):
        while steps < 10:
            steps += 1
            run.send(Steer({}))
    assert steps == 7  # the first frame shows both


@pytest.mark.parametrize("note", ["", "x l2=3", "3 l2=9999", "3 target=4", "3 nonsense=1", "3 l2=much"])
def test_nonsense_is_refused_with_a_sentence(note):
    with pytest.raises(ConvscopeError, match="change"):
        read_turn(ClassImage(), note)


def test_a_note_is_read_as_it_was_written():
    changes = {"l2": 20.5, "transforms": "lucid", "blur_every": 3}
    assert read_turn(ClassImage(), turn(31, changes)) == (31, changes)
    changes = {"channel": None, "also": ("conv1", "stage2.conv1"), "weights": (1.0, 0.5, 0.0)}
    assert read_turn(DeepDream(), turn(4, changes)) == (4, changes)


@pytest.mark.parametrize("canvas", ["pixels", "fourier"])
def test_a_run_begins_from_a_frame(canvas):
    picture = np.random.default_rng(0).integers(20, 236, (32, 32, 3), dtype=np.uint8)
    ref = keep_upload(Picture(picture))
    technique = ClassImage(**MODEL, target=3, begin=ref, canvas=canvas)
    network = technique.network()
    start = technique.make_canvas(network, technique.generator()).picture().detach()
    np.testing.assert_allclose(start[0].permute(1, 2, 0).numpy() * 255, picture, atol=0.5)


def test_the_fourier_canvas_shows_any_picture():
    picture = 0.1 + 0.8 * torch.rand(2, 3, 20, 31)
    torch.testing.assert_close(Fourier.of(picture).picture().detach(), picture, rtol=0, atol=1e-4)


def test_a_job_is_steered_under_its_new_name():
    scheduler, technique = Scheduler(slice_s=0), ClassImage(**MODEL, steps=6, target=3)
    job = scheduler.submit("me", technique.run, "class-image:before")
    scheduler.turn()
    job.steer({"l2": 50.0}, "class-image:after")
    while scheduler.turn():
        pass
    assert (job.name, job.steered, job.state) == ("class-image:after", True, "done")
    assert job.result.recipe.parameters["steering"] == ["1 l2=50.0"]


def test_the_film_of_a_run_whose_picture_grows_is_of_one_size():
    frames = [np.full((side, side, 3), 200, np.uint8) for side in (64, 64, 77)]
    clip = load_clip(film_mp4(frames))
    assert len(clip.frames) == 3
    assert clip.frames[0].shape == (384, 384, 3)  # 5 times 77, less the odd last row
    assert abs(float(clip.frames[0].mean()) - 200) < 3


def test_memory_returns_after_ten_runs():
    scheduler = Scheduler(slice_s=0, keep_jobs=1)

    def tensors_after(runs):
        for _ in range(runs):
            scheduler.submit("me", ClassImage(**MODEL, steps=2, target=3).run, "class-image:x")
            scheduler.submit("me", DeepDream(**MODEL, octaves=1, steps=2).run, "deepdream:x")
            while scheduler.turn():
                pass
        gc.collect()
        return sum(isinstance(thing, Objective | torch.Tensor) for thing in gc.get_objects())

    first = tensors_after(2)
    assert tensors_after(10) <= first
