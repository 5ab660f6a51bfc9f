"""Trust room: four ways to find out which explanations deserve belief."""

from collections.abc import Iterator
from typing import Any, ClassVar, Literal

import numpy as np
import torch
from pydantic import Field
from torch import Tensor

from viz_core.errors import ConvscopeError
from viz_core.explain import planted
from viz_core.explain.many import GAMES, batches, game_area, summary
from viz_core.explain.methods import METHODS
from viz_core.explain.sanity import depths, rank_correlation, structural
from viz_core.images.datasets import open_dataset
from viz_core.images.picture_set import PictureSet
from viz_core.images.render import enlarge, grid, heatmap, overlay
from viz_core.images.tensor import to_pixels
from viz_core.models.faithfulness import area_under
from viz_core.models.graph import GraphModel
from viz_core.models.work import batch_size
from viz_core.recipe import Recipe
from viz_core.tape import taped
from viz_core.technique import Result, Run, Section, Step, Technique

OVERLAY = 0.65
RANDOM = "random"
DEPENDS_BELOW = 0.5  # mean rank correlation that a map may keep when the upper half of the network or more is random
CHANCE_RUNS = 3  # random orders that are averaged
TEST_PICTURES = 16
SHOWN_PICTURES = 4
SHEET = 16  # of the newest pictures, while many are being tried


class Trust(Technique):
    """Check explanations: against forgotten weights, by deleting and inserting pixels, on a known cue, and with each other.

    Adebayo et al., 2018, "Sanity checks for saliency maps"; Petsiuk, Das & Saenko 2018, "RISE".
    """

    slug: ClassVar[str] = "trust"
    section: ClassVar[Section] = "explain"
    order: ClassVar[int] = 50
    icon: ClassVar[str] = "verified"
    live: ClassVar[bool] = True
    eager: ClassVar[bool] = True

    target: int | str | None = Field(None, description="class index or name; empty: the network's own first choice")
    check: Literal["randomise", "deletion", "many", "planted", "agreement"] = Field(
        "randomise", description="how to check"
    )
    dataset: str = Field("photographs", description="pictures to delete and insert over")
    pictures: int = Field(12, ge=2, le=200, description="how many of the pictures, evenly from the whole set")
    steps: int = Field(20, ge=5, le=100, description="steps in which the pixels go or come")
    training_steps: int = Field(160, ge=20, le=600, description="steps of training on the planted cue")
    seed: int = Field(
        0,
        ge=0,
        le=2**31 - 1,
        description="seed of the random weights and pictures",
        json_schema_extra={"advanced": True},
    )

    def recipe(self) -> Recipe:
        """The recipe names the contents of the data set, too, where one plays a part."""
        plain = super().recipe()
        if self.check != "many":
            return plain
        return plain.model_copy(update={"picture": f"{plain.picture} {open_dataset(self.dataset).digest}"})

    @taped
    def run(self) -> Run:
        """The check asked for."""
        checks = {
            "randomise": self.randomise,
            "deletion": self.delete_and_insert,
            "many": self.delete_over_many,
            "planted": self.plant,
            "agreement": self.agree,
        }
        return (yield from checks[self.check]())

    def randomise(self) -> Run:
        """All methods' maps while the network forgets from the top, and how much they still resemble themselves."""
        network, x = self.network(), self.input()
        target, names = network.target_index(self.target, x), list(METHODS)
        layers = depths(network)
        total, done, stopped = len(names) * (1 + len(layers)), 0, None
        rows: list[dict[str, Any]] = []
        maps: list[list[np.ndarray]] = []
        for depth, layer in enumerate(["", *layers]):
            at_depth = network.randomised(layer, self.seed) if layer else network
            here: list[np.ndarray] = []
            for name in names:
                here.append(METHODS[name](at_depth, x, target))
                own = maps[0][len(here) - 1] if maps else here[-1]
                rows.append(
                    {
                        "depth": depth,
                        "layer": layer,
                        "method": name,
                        "rank_correlation": rank_correlation(here[-1], own),
                        "structural": structural(here[-1], own),
                    }
                )
                done += 1
                stopped = stopped or (yield Step(done, total, sheet(x, here), {name: rows[-1]["rank_correlation"]}))
                if stopped and maps:
                    return self.randomised(x, target, maps, rows, layers)
            maps.append(here)
        return self.randomised(x, target, maps, rows, layers)

    def randomised(
        self, x: Tensor, target: int, maps: list[list[np.ndarray]], rows: list[dict], layers: list[str]
    ) -> Result:
        """The maps at every depth, the similarity curves, and a verdict for each method."""
        rows = [row for row in rows if row["depth"] < len(maps)]
        half = min(len(maps) - 1, (len(layers) + 1) // 2)
        later = [row for row in rows if row["depth"] >= half]
        kept = {n: float(np.mean([row["rank_correlation"] for row in later if row["method"] == n])) for n in METHODS}
        verdicts = [
            {"method": name, "kept": kept[name], "depends": "yes" if kept[name] < DEPENDS_BELOW else "no"}
            for name in METHODS
        ]
        return self.result(
            arrays={"map": maps[0][0], "maps": np.asarray(maps, np.float32)},
            pictures={f"depth_{depth}": sheet(x, here) for depth, here in enumerate(maps)},
            scores=self.about(x, target) | {"depths": len(maps), "half": half},
            tables={"similarity": rows, "verdicts": verdicts, "layers": [{"layer": layer} for layer in layers]},
        )

    def delete_and_insert(self) -> Run:
        """The class probability while pixels go and come in the order of each map, of the edges, and of chance."""
        network, x = self.network(), self.input()
        target, done, stopped = network.target_index(self.target, x), 0, None
        curves: dict[tuple[str, str, int], np.ndarray] = {}
        orders = list(self.orders(network, x, target))
        total = 2 * len(orders) * (self.steps + 1)
        for name, number, values in orders:
            for kind, pictures in GAMES.items():
                curve: list[float] = []
                for batch in batches(pictures(x, network, values, self.steps), batch_size(network, x)):
                    with torch.inference_mode():
                        curve += network.probabilities(batch)[:, target].tolist()
                    done += len(batch)
                    stopped = stopped or (yield Step(done, total, to_pixels(batch[-1]), {name: curve[-1]}))
                    if stopped and len(curves) > 1:
                        return self.deleted(x, target, curves)
                curves[kind, name, number] = np.asarray(curve, np.float32)
        return self.deleted(x, target, curves)

    def orders(self, network: GraphModel, x: Tensor, target: int) -> Iterator[tuple[str, int, np.ndarray]]:
        """The maps that say which pixels come first: chance several times, then each method."""
        generator = self.generator()
        for number in range(CHANCE_RUNS):
            yield RANDOM, number, torch.rand(x.shape[-2:], generator=generator).numpy()
        for name, method in METHODS.items():
            yield name, 0, method(network, x, target)

    def deleted(self, x: Tensor, target: int, curves: dict[tuple[str, str, int], np.ndarray]) -> Result:
        """The curves and the areas under them, chance averaged over its runs."""
        mean: dict[tuple[str, str], np.ndarray] = {}
        for kind, name, _ in curves:
            same = [curve for (its_kind, its_name, _), curve in curves.items() if (its_kind, its_name) == (kind, name)]
            mean[kind, name] = np.mean(same, axis=0)
        names = list(dict.fromkeys(name for kind, name in mean if kind == "insertion"))
        table = [{"method": name, **{kind: area_under(mean[kind, name]) for kind in GAMES}} for name in names]
        return self.result(
            arrays={"map": np.stack([mean["deletion", name] for name in names])}
            | {f"{kind}_{name}": curve for (kind, name), curve in mean.items()},
            pictures={"picture": to_pixels(x)},
            scores=self.about(x, target) | {"steps": self.steps},
            tables={"areas": table},
        )

    def members(self, pictures: PictureSet) -> list[int]:
        """Which pictures of a set are tried."""
        spread = np.linspace(0, len(pictures) - 1, min(self.pictures, len(pictures)))
        return np.unique(spread.round().astype(int)).tolist()

    def delete_over_many(self) -> Run:
        """Both games on many pictures, each about the class the network itself sees first there."""
        network, pictures = self.network(), open_dataset(self.dataset)
        side = self.size or network.input_size
        members = self.members(pictures)
        names, generator = [RANDOM, *METHODS], self.generator()
        shown: list[np.ndarray] = []
        areas: dict[str, list[list[float]]] = {game: [] for game in GAMES}
        done, stopped = 0, None
        for _, x in pictures.batches(side, batch=1, indices=members):
            x = x.to(network.device)
            target = network.target_index(None, x)
            here: dict[str, list[float]] = {game: [] for game in GAMES}
            for name in names:
                values = torch.rand(x.shape[-2:], generator=generator).numpy()
                if name != RANDOM:
                    values = METHODS[name](network, x, target)
                for game in GAMES:
                    here[game].append(game_area(network, x, target, values, game, self.steps))
                done += 1
                stopped = stopped or (
                    yield Step(done, len(members) * len(names), grid([*shown, to_pixels(x)][-SHEET:], 4))
                )
                if stopped and len(shown) > 1:
                    return self.deleted_over_many(shown, areas, names)
            for game in GAMES:
                areas[game].append(here[game])
            shown.append(to_pixels(x))
        return self.deleted_over_many(shown, areas, names)

    def deleted_over_many(
        self, shown: list[np.ndarray], areas: dict[str, list[list[float]]], names: list[str]
    ) -> Result:
        """Mean areas with intervals, and whether each method does better than chance on the same pictures."""
        if len(shown) < 2:
            raise ConvscopeError("recipe_errors.too_few_pictures", dataset=self.dataset)
        found = {game: np.asarray(values, np.float32) for game, values in areas.items()}
        return self.result(
            arrays={"map": found["deletion"], **found},
            pictures={"pictures": grid(shown, 8)},
            scores={"pictures": len(shown), "dataset": open_dataset(self.dataset).name, "steps": self.steps},
            tables={"areas": summary(found, names, RANDOM)},
        )

    def plant(self) -> Run:
        """Train a small network on a cue we planted, then see which maps point at it."""
        device = self.network().device
        total, losses = self.training_steps + TEST_PICTURES, []
        net = None
        for trained, loss, accuracy in planted.training(self.training_steps, self.seed, device):
            net = trained
            losses.append(loss)
            shown = example_sheet(self.seed) if len(losses) == 1 else None
            if (yield Step(len(losses), total, shown, {"loss": loss, "accuracy": accuracy})):
                break
        assert net is not None  # training takes at least one step
        network = planted.as_network(net, device)
        x, labels, masks = planted.pictures(TEST_PICTURES, torch.Generator().manual_seed(self.seed + 1))
        x = x.to(device)
        maps: list[list[np.ndarray]] = []
        for index, label in enumerate(labels.tolist()):
            maps.append([method(network, x[index : index + 1], label) for method in METHODS.values()])
            if (yield Step(len(losses) + index + 1, total, sheet(x[index : index + 1], maps[-1], factor=3))):
                break
        return self.planted_result(network, x, labels, masks.numpy(), maps, losses)

    def planted_result(
        self,
        network: GraphModel,
        x: Tensor,
        labels: Tensor,
        masks: np.ndarray,
        maps: list[list[np.ndarray]],
        losses: list[float],
    ) -> Result:
        """How much of each method's maps lies on the mark, how often they point at it, and some of the pictures."""
        with torch.inference_mode():
            right = network(x).argmax(dim=1).cpu() == labels
        tried = len(maps)
        table = [
            {
                "method": name,
                "share_on_mark": float(np.mean([planted.truth(maps[i][place], masks[i]) for i in range(tried)])),
                "points": float(np.mean([planted.points_at(maps[i][place], masks[i]) for i in range(tried)])),
            }
            for place, name in enumerate(METHODS)
        ]
        shown = min(SHOWN_PICTURES, tried)
        return self.result(
            arrays={
                "map": maps[0][0],
                "maps": np.asarray(maps, np.float32),
                "marks": masks[:tried],
                "loss": np.asarray(losses, np.float32),
            },
            pictures={f"example_{i + 1}": sheet(x[i : i + 1], maps[i], factor=3) for i in range(shown)},
            scores={"accuracy": float(right.float().mean()), "chance": float(masks.mean()), "pictures": tried},
            tables={"truth": table},
        )

    def agree(self) -> Run:
        """How alike the methods' maps of this picture are."""
        network, x = self.network(), self.input()
        target, maps = network.target_index(self.target, x), []
        for done, method in enumerate(METHODS.values(), start=1):
            maps.append(method(network, x, target))
            if (yield Step(done, len(METHODS), sheet(x, maps))):
                break
        alike = np.array([[rank_correlation(first, second) for second in maps] for first in maps])
        return self.result(
            arrays={"map": alike, "maps": np.asarray(maps, np.float32)},
            pictures={"maps": sheet(x, maps), "agreement": heatmap(alike.repeat(24, 0).repeat(24, 1), True, (-1, 1))},
            scores=self.about(x, target) | {"methods": len(maps)},
        )

    def about(self, x: Tensor, target: int) -> dict[str, float | int | str]:
        """What is being explained."""
        network = self.network()
        with torch.inference_mode():
            probability = float(network.probabilities(x.to(network.device))[0, target])
        return {"class": network.class_name(target), "class_index": target, "probability": probability}


def sheet(x: Tensor, maps: list[np.ndarray], factor: int = 1) -> np.ndarray:
    """The picture and the maps over it, in the order of the methods, three a row and numbered from 1."""
    pixels = to_pixels(x)
    tiles = [pixels, *(overlay(pixels, values, OVERLAY) for values in maps)]
    return grid([enlarge(tile, factor) for tile in tiles], columns=3, gap=4, numbers=["", *range(1, len(maps) + 1)])


def example_sheet(seed: int) -> np.ndarray:
    """Some of the pictures with the planted cue."""
    x, _, _ = planted.pictures(9, torch.Generator().manual_seed(seed))
    return grid([enlarge(to_pixels(picture), 3) for picture in x], columns=3, gap=4)
