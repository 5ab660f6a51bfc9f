"""Pictures at their places on a map, and the map as a grid with every picture in a cell of its own."""

import numpy as np
from scipy.optimize import linear_sum_assignment
from scipy.spatial.distance import cdist

from viz_core.embed.projection import unit_square
from viz_core.images.render import grid

MOST_CELLS = 2500


def scattered(points: np.ndarray, tiles: np.ndarray, side: int) -> np.ndarray:
    """Tiles (N, s, s, 3) uint8 pasted at their points (N, 2) on a white sheet (side, side, 3)."""
    sheet = np.full((side, side, 3), 255, np.uint8)
    size = tiles.shape[1]
    places = np.rint(unit_square(points) * (side - size)).astype(int)
    for (left, up), tile in zip(places, tiles, strict=True):
        top = side - size - up
        sheet[top : top + size, left : left + size] = tile
    return sheet


class Board:
    """Pictures as they are read, row after row on a white sheet; on a full one the newest take the place of the oldest."""

    def __init__(self, side: int) -> None:
        self._sheet = np.full((side, side, 3), 255, np.uint8)
        self._count = 0

    def add(self, tiles: np.ndarray) -> np.ndarray:
        """Put tiles (N, s, s, 3) uint8 on the sheet; returns it as it is now (side, side, 3)."""
        size = tiles.shape[1]
        across = len(self._sheet) // size
        for place, tile in enumerate(tiles, start=self._count):
            top, left = (size * at for at in divmod(place % across**2, across))
            self._sheet[top : top + size, left : left + size] = tile
        self._count += len(tiles)
        return self._sheet.copy()


def assigned(points: np.ndarray, most: int = MOST_CELLS) -> tuple[np.ndarray, int]:
    """Which picture goes into which cell of a square grid so that the squared distances to the map's places are least.

    Returns the picture of each cell, row by row, and the side of the grid. As many pictures as cells, at most `most`,
    spread evenly over the points.
    """
    side = int(np.sqrt(min(len(points), most)))
    members = np.linspace(0, len(points) - 1, side * side).astype(int)
    places = unit_square(points)[members]
    rows, columns = np.divmod(np.arange(side * side), side)
    middle = np.stack([(columns + 0.5) / side, 1 - (rows + 0.5) / side], axis=1)
    cells, pictures = linear_sum_assignment(cdist(middle, places, "sqeuclidean"))
    return members[pictures[np.argsort(cells)]], side


def mosaic(tiles: np.ndarray, pictures: np.ndarray, side: int) -> np.ndarray:
    """The grid as one picture."""
    return grid(list(tiles[pictures]), columns=side, gap=1)


def grid_places(grid: np.ndarray, count: int) -> tuple[np.ndarray, float]:
    """Where each of `count` points lies in the unit square as a cell of the grid (S, S) of points, and the side of a cell.

    Points without a cell lie nowhere: NaN.
    """
    side = len(grid)
    rows, columns = np.divmod(np.arange(side * side), side)
    places = np.full((count, 2), np.nan)
    places[grid.ravel()] = np.stack([(columns + 0.5) / side, 1 - (rows + 0.5) / side], axis=1)
    return places, 1 / side
