"""The trust room against the definitions written out plainly, scipy's statistics and a cue that is known."""

import numpy as np
import pytest
import torch
from PIL import Image
from scipy.stats import spearmanr, ttest_1samp, ttest_rel

from tests.explain.reference import noise_picture
from viz_core import models
from viz_core.__main__ import main
from viz_core.errors import ConvscopeError
from viz_core.explain import planted
from viz_core.explain.methods import METHODS
from viz_core.explain.sanity import depths, rank_correlation, structural
from viz_core.explain.trust import Trust
from viz_core.images.datasets import open_dataset
from viz_core.models.faithfulness import area_under, deletion, insertion
from viz_core.technique import finish

TARGET = 3


def technique(**parameters) -> Trust:
    usual = {"model": "random:squeezenet1_1", "image": noise_picture(48, 40), "size": 36, "target": TARGET}
    return Trust(**(usual | parameters))


def picture() -> torch.Tensor:
    return torch.rand(1, 3, 36, 44, generator=torch.Generator().manual_seed(4))


@pytest.mark.parametrize("steps", [7, 44])
def test_deletion_and_insertion_are_those_of_rise(steps):
    """The published loop, pixel by pixel: RISE's `CausalMetric.single_run`."""
    network, x = models.load("random:squeezenet1_1"), picture()
    values = np.random.default_rng(0).random((36, 44))
    salient_order = np.flip(np.argsort(values.reshape(-1)))
    for pictures, finish_colour in ((deletion, network.mean.expand_as(x)), (insertion, x)):
        shown = list(pictures(x, network, values, steps))
        start = shown[0].clone()
        parts = np.array_split(salient_order, steps)
        assert len(shown) == steps + 1
        for part, after in zip(parts, shown[1:], strict=True):
            for pixel in part:
                start[0, :, pixel // 44, pixel % 44] = finish_colour[0, :, pixel // 44, pixel % 44]
            assert torch.equal(start, after)
        assert torch.equal(after, finish_colour)
    assert torch.equal(next(iter(deletion(x, network, values, steps))), x)
    blurred = next(iter(insertion(x, network, values, steps)))
    assert blurred.std() < 0.5 * x.std()


def test_the_area_under_a_curve_is_that_of_rise_and_numpy():
    curve = np.random.default_rng(0).random(21)
    assert area_under(curve) == pytest.approx(np.trapezoid(curve, dx=1 / 20))


def test_curves_are_the_probabilities_of_those_pictures():
    chosen = technique(check="deletion", steps=5)
    result = finish(chosen.run())
    x, network = torch.from_numpy(result.arrays["input"]), chosen.network()
    values = METHODS["gradcam"](network, x, TARGET)
    for kind, pictures in (("deletion", deletion), ("insertion", insertion)):
        expected = [float(network.probabilities(shown)[0, TARGET]) for shown in pictures(x, network, values, 5)]
        np.testing.assert_allclose(result.arrays[f"{kind}_gradcam"], expected, rtol=1e-4)
    areas = {row["method"]: row for row in result.tables["areas"]}
    assert areas["gradcam"]["deletion"] == pytest.approx(area_under(result.arrays["deletion_gradcam"]))
    assert set(areas) == {"random", *METHODS}


def test_many_pictures_are_each_pictures_areas_with_an_interval_by_scipy(tmp_path):
    for number in range(3):
        pixels = np.random.default_rng(number).integers(0, 255, (40, 40, 3), dtype=np.uint8)
        Image.fromarray(pixels).save(tmp_path / f"{number}.png")
    chosen = technique(check="many", dataset=f"folder:{tmp_path}", pictures=3, steps=5)
    result = finish(chosen.run())
    network, rows = chosen.network(), {row["method"]: row for row in result.tables["areas"]}
    assert list(rows) == ["random", *METHODS]
    place = list(rows).index("gradcam")
    for _, x in open_dataset(f"folder:{tmp_path}").batches(36, batch=1, indices=[1]):
        target = int(network(x).argmax())
        values = METHODS["gradcam"](network, x, target)
        curve = [float(network.probabilities(shown)[0, target]) for shown in deletion(x, network, values, 5)]
    areas = result.arrays["deletion"]
    assert areas[1, place] == pytest.approx(np.trapezoid(curve, dx=1 / 5), rel=1e-4)
    own = ttest_1samp(areas[:, place].astype(float), 0).confidence_interval(0.95)
    gain = ttest_rel(areas[:, 0].astype(float), areas[:, place].astype(float)).confidence_interval(0.95)
    row = rows["gradcam"]
    assert (row["deletion_low"], row["deletion_high"]) == pytest.approx(tuple(own), rel=1e-4)
    assert (row["deletion_gain_low"], row["deletion_gain_high"]) == pytest.approx(tuple(gain), rel=1e-3, abs=1e-8)
    assert row["deletion_verdict"] == ("better" if gain.low > 0 else "worse" if gain.high < 0 else "open")


def test_one_picture_is_too_few_for_an_interval(tmp_path):
    Image.fromarray(np.full((40, 40, 3), 9, np.uint8)).save(tmp_path / "only.png")
    with pytest.raises(ConvscopeError, match="two"):
        finish(technique(check="many", dataset=f"folder:{tmp_path}").run())


def test_similarities():
    rng = np.random.default_rng(1)
    first, second = rng.random((20, 30)), rng.integers(0, 4, (20, 30)).astype(float)
    assert rank_correlation(first, second) == pytest.approx(spearmanr(first.ravel(), second.ravel()).statistic)
    assert rank_correlation(first, np.ones((20, 30))) == 0
    assert rank_correlation(first, first**3) == pytest.approx(1)
    assert structural(first, 5 * first - 2) == pytest.approx(1)
    assert structural(first, rng.random((20, 30))) < 0.3


def test_the_weights_go_from_the_top_down():
    layers = depths(models.load("random:resnet18"))
    assert layers[0] == "fc"
    assert layers[-1] == "conv1"
    assert len(layers) <= 10
    assert depths(models.load("bundled-random"))[:2] == ["fc", "stage5.conv1"]


def test_forgetting_changes_every_map_but_that_of_the_edges():
    result = finish(technique(check="randomise").run())
    rows = result.tables["similarity"]
    last = {row["method"]: row["rank_correlation"] for row in rows if row["depth"] == result.scores["depths"] - 1}
    assert last.pop("edges") == pytest.approx(1)
    assert all(abs(kept) < 0.99 for kept in last.values())
    assert abs(last["gradient"]) < 0.75
    assert all(
        row["rank_correlation"] == pytest.approx(1) for row in rows if row["depth"] == 0 and row["method"] == "edges"
    )
    half = [row for row in rows if row["depth"] >= result.scores["half"] and row["method"] == "gradient"]
    kept = {row["method"]: row["kept"] for row in result.tables["verdicts"]}
    assert kept["gradient"] == pytest.approx(np.mean([row["rank_correlation"] for row in half]))
    verdicts = {row["method"]: row["depends"] for row in result.tables["verdicts"]}
    assert verdicts["edges"] == "no"
    assert result.arrays["maps"].shape[:2] == (result.scores["depths"], len(METHODS))


def test_agreement_is_a_correlation_matrix():
    result = finish(technique(check="agreement").run())
    alike, maps = result.arrays["map"], result.arrays["maps"]
    np.testing.assert_allclose(alike, alike.T, atol=1e-12)
    assert alike[0, 4] == pytest.approx(spearmanr(maps[0].ravel(), maps[4].ravel()).statistic, abs=1e-6)


def test_the_planted_cue_is_the_only_one():
    x, labels, masks = planted.pictures(40, torch.Generator().manual_seed(0))
    assert masks.sum(dim=(1, 2)).eq(planted.MARK**2).all()
    upright = x[int((labels == 0).nonzero()[0])]
    mark = masks[int((labels == 0).nonzero()[0])]
    rows = mark.any(dim=1).nonzero().flatten()
    columns = mark.any(dim=0).nonzero().flatten()
    stripes = upright[:, rows[0] : rows[-1] + 1, columns[0] : columns[-1] + 1].mean(dim=0)
    assert stripes.std(dim=0).max() < 0.1
    assert stripes.std(dim=1).min() > 0.15


def test_truth_by_hand():
    mark = np.zeros((4, 4), bool)
    mark[1, 1:3] = True
    values = np.zeros((4, 4))
    values[1, 1], values[0, 0], values[3, 3] = 2, 2, -5
    assert planted.truth(values, mark) == 0.5
    assert planted.truth(mark.astype(float), mark) == 1
    assert planted.truth(np.zeros((4, 4)), mark) == 0
    assert planted.points_at(mark.astype(float), mark)
    assert not planted.points_at(values - 3 * mark, mark)


def test_a_network_learns_the_cue_and_grad_cam_finds_it_where_edges_do_not():
    result = finish(technique(check="planted").run())
    table = {row["method"]: row for row in result.tables["truth"]}
    assert result.scores["accuracy"] > 0.9
    assert table["gradcam"]["points"] > 0.5 > 0.2 > table["edges"]["points"]
    assert table["gradcam"]["share_on_mark"] > 3 * result.scores["chance"]


@pytest.mark.parametrize("check", ["randomise", "deletion", "many", "planted", "agreement"])
def test_stop_keeps_what_there_is(check):
    run = technique(check=check).run()
    step = next(run)
    result = None
    while result is None:
        try:
            step = run.send(True)
        except StopIteration as end:
            result = end.value
    assert step.done < step.total
    assert result.arrays["map"].size


def test_command_line(tmp_path):
    arguments = ["trust", "--model", "random:squeezenet1_1", "--size", "36", "--check", "agreement", "--out"]
    assert main([*arguments, str(tmp_path)]) == 0
    first = {path.name: path.read_bytes() for path in tmp_path.glob("*.png")}
    assert main(["replay", str(tmp_path / "maps.png"), "--out", str(tmp_path / "again")]) == 0
    assert first == {path.name: path.read_bytes() for path in (tmp_path / "again").glob("*.png")}
