"""The command line: `python -m viz_core list | <technique> | replay | embed`."""

import argparse
import json
import sys
import time
from collections.abc import Sequence
from pathlib import Path
from typing import Any, NoReturn

from pydantic import ValidationError
from tqdm import tqdm

from viz_core.embed.command import add_options, embed
from viz_core.errors import ConvscopeError
from viz_core.export import recipe_of, save
from viz_core.recipe import Recipe
from viz_core.registry import technique, techniques
from viz_core.technique import Result, Run, Technique
from viz_core.validation import explain

BAD_USE = 2


class Parser(argparse.ArgumentParser):
    """An argument parser that tells a mistake in one sentence."""

    def error(self, message: str) -> NoReturn:
        self.exit(BAD_USE, f"{message}\n")


def build_parser() -> Parser:
    """One sub-command for each technique, one option for each of its parameters."""
    parser = Parser(prog="python -m viz_core", description="See inside a convolutional network.")
    commands = parser.add_subparsers(dest="command", required=True, parser_class=Parser, metavar="COMMAND")
    listing = commands.add_parser("list", help="the techniques")
    listing.add_argument("--json", action="store_true", help="with the schema of their parameters")
    again = commands.add_parser("replay", help="make the pictures of a recipe or an exported PNG again")
    again.add_argument("file", type=Path)
    again.add_argument("--image", help="the picture, where it has moved")
    again.add_argument("--out", "-o", type=Path, default=Path("out"))
    add_options(commands.add_parser("embed", help="describe a set ahead of time, here or on a cluster"))
    for slug, kind in techniques().items():
        command = commands.add_parser(slug, help=kind.summary().replace("%", "%%"))
        for name, field in kind.model_fields.items():
            described = f"{field.description} (default: {field.default})".replace("%", "%%")
            command.add_argument(f"--{name.replace('_', '-')}", dest=name, help=described, metavar="VALUE")
        command.add_argument("--out", "-o", type=Path, default=Path("out"), help="folder for the files")
    return parser


def declared(kind: type[Technique], given: dict[str, Any]) -> Technique:
    """A technique from the parameters given; raises ConvscopeError for the first bad one."""
    try:
        return kind(**given)
    except ValidationError as error:
        raise explain(error, kind) from error


def watch(run: Run, title: str) -> Result:
    """Drive a run to its end with a progress bar on a terminal; an interrupt keeps what there is."""
    bar = tqdm(desc=title, disable=not sys.stderr.isatty(), leave=False)
    stop: bool | None = None
    with bar:
        while True:
            try:
                step = run.send(stop)
            except StopIteration as end:
                return end.value
            except KeyboardInterrupt:
                raise SystemExit(130) from None
            try:
                bar.total = step.total
                bar.update(step.done - bar.n)
            except KeyboardInterrupt:
                stop = True


def make(chosen: Technique, folder: Path) -> None:
    """Run a technique, write its files and say where they are."""
    started = time.perf_counter()
    result = watch(chosen.run(), chosen.slug)
    for path in save(result, folder, time.perf_counter() - started):
        print(path)


def replay(file: Path, image: str | None, folder: Path) -> None:
    """Make the result of a recipe again, from the same weights and picture or not at all."""
    try:
        recipe = recipe_of(file.read_bytes())
    except OSError as error:
        raise ConvscopeError("recipe_errors.no_such_file", path=file) from error
    parameters = recipe.parameters | ({"image": image} if image else {})
    chosen = declared(technique(recipe.technique), parameters)
    require_same(recipe, chosen)
    make(chosen, folder)


def require_same(recipe: Recipe, chosen: Technique) -> None:
    """Raise ConvscopeError where the weights or the picture at hand are not those of the recipe."""
    here = chosen.recipe()
    if here.weights != recipe.weights:
        raise ConvscopeError(
            "recipe_errors.other_weights", model=chosen.model, expected=recipe.weights, found=here.weights
        )
    if here.picture != recipe.picture:
        raise ConvscopeError(
            "recipe_errors.other_picture", image=chosen.image, expected=recipe.picture, found=here.picture
        )


def show_list(as_json: bool) -> None:
    """Print the techniques: slug and summary, or everything as JSON."""
    if not as_json:
        for slug, kind in techniques().items():
            print(f"{slug:14} {kind.summary()}")
        return
    entries = [
        {"slug": slug, "section": kind.section, "summary": kind.summary(), "schema": kind.model_json_schema()}
        for slug, kind in techniques().items()
    ]
    print(json.dumps(entries, indent=2, ensure_ascii=False))


def main(arguments: Sequence[str] | None = None) -> int:
    """Run the command line; 0 when all went well, 2 and one sentence for bad values."""
    given = vars(build_parser().parse_args(arguments))
    command = given.pop("command")
    try:
        if command == "list":
            show_list(given["json"])
        elif command == "embed":
            embed(argparse.Namespace(**given))
        elif command == "replay":
            replay(given["file"], given["image"], given["out"])
        else:
            folder = given.pop("out")
            make(declared(technique(command), {k: v for k, v in given.items() if v is not None}), folder)
    except ConvscopeError as error:
        print(error, file=sys.stderr)
        return BAD_USE
    return 0


if __name__ == "__main__":
    sys.exit(main())
