"""The pictures of a map over HTTP: sheets of small ones, and single ones as large as they are looked at."""

import math
import threading
from collections import OrderedDict
from collections.abc import Callable
from dataclasses import dataclass, field

import numpy as np
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from pages.ui.embedded import address
from viz_core.errors import ConvscopeError
from viz_core.images.picture_set import PictureSet
from viz_core.images.render import encode_jpeg

MOST_COLUMNS = 64  # of a sheet: 2048 pixels of small pictures
SHARP_SIDE = 128
KEPT = 8  # maps
DAY_S = 86_400


@dataclass(frozen=True)
class Served:
    """What a map shows: its set, and the small pictures (N, s, s, 3) uint8 of its points."""

    pictures: PictureSet
    looks: np.ndarray
    _sheets: dict[int, bytes] = field(default_factory=dict, repr=False)

    @property
    def columns(self) -> int:
        """Small pictures beside each other on a sheet; as many sheets rows are below each other."""
        return min(MOST_COLUMNS, max(1, math.ceil(math.sqrt(len(self.looks)))))

    @property
    def sheets(self) -> int:
        """How many sheets there are."""
        return math.ceil(len(self.looks) / self.columns**2)

    def sheet(self, number: int) -> bytes:
        """One sheet as JPEG."""
        if number not in self._sheets:
            columns, side = self.columns, self.looks.shape[1]
            shown = self.looks[number * columns**2 : (number + 1) * columns**2]
            sheet = np.zeros((columns**2, side, side, 3), np.uint8)
            sheet[: len(shown)] = shown
            rows = math.ceil(len(shown) / columns)
            whole = sheet.reshape(columns, columns, side, side, 3).transpose(0, 2, 1, 3, 4)
            self._sheets[number] = encode_jpeg(whole.reshape(columns * side, columns * side, 3)[: rows * side], 82)
        return self._sheets[number]


_maps: OrderedDict[str, Served] = OrderedDict()
_lock = threading.Lock()
_offers_pictures = False


def offer_pictures() -> None:
    """Say that this process serves `/pictures/...`, so that maps fetch theirs there."""
    global _offers_pictures
    _offers_pictures = True


def serve(name: str, pictures: Callable[[], PictureSet], looks: np.ndarray) -> Served:
    """Keep the pictures of a map at hand; its name, the digest of a recipe, is the permission to see them."""
    with _lock:
        if name not in _maps:
            _maps[name] = Served(pictures(), looks)
        _maps.move_to_end(name)
        while len(_maps) > KEPT:
            _maps.popitem(last=False)
        return _maps[name]


def addresses(name: str, served: Served) -> tuple[list[str], str]:
    """Where the sheets are, and where single pictures begin; without our server the sheets themselves, and nothing."""
    if _offers_pictures:
        return [f"pictures/{name}/sheet/{number}" for number in range(served.sheets)], f"pictures/{name}/one/"
    return [address(served.sheet(number)) for number in range(served.sheets)], ""


def answer(request: Request) -> Response:
    """A sheet or a single picture as JPEG; 404 for what is not, or no longer, on a map."""
    with _lock:
        served = _maps.get(request.path_params["name"])
    number = request.path_params["number"]
    if served is None:
        return Response(status_code=404)
    try:
        if request.path_params["kind"] == "sheet" and number < served.sheets:
            content = served.sheet(number)
        elif request.path_params["kind"] == "one" and number < len(served.pictures):
            content = encode_jpeg(served.pictures.seen(number, SHARP_SIDE), 85)
        else:
            return Response(status_code=404)
    except ConvscopeError:
        return Response(status_code=404)
    return Response(content, media_type="image/jpeg", headers={"Cache-Control": f"private, max-age={DAY_S}"})


def routes(prefix: str) -> list[Route]:
    """The addresses that this module answers."""
    return [Route(f"{prefix}/pictures/{{name}}/{{kind}}/{{number:int}}", answer)]
