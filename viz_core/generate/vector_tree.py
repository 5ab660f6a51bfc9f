"""Nearest neighbours by a tree of vectors split in two again and again (tree-structured vector quantisation).

A search goes down the nearer branch at each fork, then into the few other branches whose borders it passed closest by: it
looks at a small part of the vectors and may miss the nearest by a little. Gersho & Gray 1992, used for textures by Wei &
Levoy 2000; the looking back is best-bin-first search, Beis & Lowe 1997.
"""

import heapq

import numpy as np

LEAF = 32
LEAVES = 6  # looked at in one search
ROUNDS = 4  # of two-means at each fork


class VectorTree:
    """A search tree over vectors (N, D)."""

    def __init__(self, vectors: np.ndarray, random: np.random.Generator) -> None:
        self.vectors = np.ascontiguousarray(vectors, np.float32)
        self._squares = (self.vectors**2).sum(1)
        self._forks: list[tuple[np.ndarray, float] | None] = []  # normal and threshold of the plane between two means
        self._children: list[tuple[int, int] | np.ndarray] = []
        self._grow(np.arange(len(vectors)), random)
        self.leaves = self._forks.count(None)

    def _grow(self, members: np.ndarray, random: np.random.Generator) -> int:
        node = len(self._forks)
        self._forks.append(None)
        self._children.append(members)
        right = self._split(members, random) if len(members) > LEAF else None
        if right is not None:
            self._children[node] = (self._grow(members[~right], random), self._grow(members[right], random))
            means = (self.vectors[members[~right]].mean(0), self.vectors[members[right]].mean(0))
            self._forks[node] = _plane(*means)
        return node

    def _split(self, members: np.ndarray, random: np.random.Generator) -> np.ndarray | None:
        """Which members belong to the second of two means (Lloyd 1957); None where they cannot be told apart."""
        vectors = self.vectors[members]
        means = vectors[random.choice(len(members), 2, replace=False)]
        right = np.zeros(len(members), bool)
        for _ in range(ROUNDS):
            normal, threshold = _plane(*means)
            right = vectors @ normal > threshold
            if not 0 < right.sum() < len(members):
                return None
            means = np.stack([vectors[~right].mean(0), vectors[right].mean(0)])
        return right

    def nearest(self, vector: np.ndarray) -> int:
        """The index of a vector near to this one: the nearest in the most promising leaves."""
        waiting = [(0.0, 0)]
        best, index = np.inf, -1
        for _ in range(min(LEAVES, self.leaves)):
            passed, node = heapq.heappop(waiting)
            while (fork := self._forks[node]) is not None:
                normal, threshold = fork
                beyond = float(vector @ normal) - threshold
                near, far = self._children[node][:: -1 if beyond > 0 else 1]
                heapq.heappush(waiting, (max(passed, abs(beyond)), far))
                node = near
            members = self._children[node]
            distances = self._squares[members] - 2 * (self.vectors[members] @ vector)
            place = int(distances.argmin())
            if distances[place] < best:
                best, index = distances[place], int(members[place])
        return index

    def nearest_of_all(self, vector: np.ndarray) -> int:
        """The index of the nearest vector, found by trying all."""
        return int((self._squares - 2 * (self.vectors @ vector)).argmin())


def _plane(left: np.ndarray, right: np.ndarray) -> tuple[np.ndarray, float]:
    """The plane half way between two points: nearer to `right` is where the product with the normal exceeds the threshold."""
    normal = right - left
    normal = normal / max(float(np.linalg.norm(normal)), 1e-12)
    return normal, float(normal @ (left + right) / 2)
