"""Vectors in a Milvus data base, for sets that more than one machine describes or searches.

`CONVSCOPE_MILVUS` holds its address: `http://host:19530` of a server, or the path of a file that ends in `.db`.
"""

import hashlib
import os
from collections.abc import Sequence
from typing import Any

import numpy as np

from viz_core.embed.index import Found
from viz_core.errors import ConvscopeError

SETTING = "CONVSCOPE_MILVUS"
AT_ONCE = 500  # vectors in one message
BUILD = {"M": 32, "efConstruction": 200}
LEAST_WIDTH = 256  # candidates a search looks at, at least


def address() -> str | None:
    """The data base that the settings name, if they do."""
    return os.environ.get(SETTING) or None


class MilvusStore:
    """The vectors of one network, layer, size and set in a data base, by the keys of their pictures."""

    def __init__(self, url: str, width: int, *name: object) -> None:
        """`width`: numbers in each vector. Raises ConvscopeError where the data base cannot be reached."""
        digest = hashlib.blake2b(repr((name, width)).encode(), digest_size=12).hexdigest()
        self.collection, self._url = f"convscope_{digest}", url
        self._there: set[bytes] = set()  # what is known to be in it, so that it is not asked for again
        try:
            from pymilvus import DataType, MilvusClient
        except ImportError as error:
            raise ConvscopeError("embed_errors.no_pymilvus", setting=SETTING) from error
        try:
            self._client = MilvusClient(uri=url, timeout=10)
            if not self._client.has_collection(self.collection):
                schema = MilvusClient.create_schema(auto_id=False)
                schema.add_field("key", DataType.VARCHAR, is_primary=True, max_length=32)
                schema.add_field("vector", DataType.FLOAT_VECTOR, dim=width)
                index = self._client.prepare_index_params()
                index.add_index("vector", index_type="HNSW", metric_type="L2", params=BUILD)
                self._client.create_collection(
                    self.collection, schema=schema, index_params=index, consistency_level="Strong"
                )
        except Exception as error:  # pymilvus and gRPC have dozens of their own
            raise ConvscopeError("embed_errors.no_milvus", address=url) from error

    def add(self, keys: Sequence[bytes], vectors: np.ndarray) -> int:
        """Put in those of the vectors (N, D) whose keys are not there yet; returns how many those were."""
        added = 0
        unknown = {key.hex(): at for at, key in enumerate(keys) if key not in self._there}
        names = list(unknown)
        for start in range(0, len(names), AT_ONCE):
            some = names[start : start + AT_ONCE]
            there = {row["key"] for row in self._ask("get", ids=some, output_fields=["key"])}
            rows = [
                {"key": name, "vector": vectors[unknown[name]].astype(np.float32)} for name in some if name not in there
            ]
            if rows:
                self._ask("insert", data=rows)
            added += len(rows)
        self._there |= set(keys)
        if added:
            self._ask("flush")  # only then the index is built
        self._ask("load_collection")
        return added

    def nearest(self, query: np.ndarray, k: int) -> tuple[list[bytes], np.ndarray]:
        """Keys (k,) and Euclidean distances (k,) of the nearest vectors, nearest first."""
        parameters = {"metric_type": "L2", "params": {"ef": max(LEAST_WIDTH, 2 * k)}}
        data = [np.asarray(query, np.float32).tolist()]
        (hits,) = self._ask("search", data=data, limit=k, search_params=parameters, anns_field="vector")
        squared = np.array([hit["distance"] for hit in hits], np.float64)
        return [bytes.fromhex(hit["key"]) for hit in hits], np.sqrt(np.maximum(squared, 0))

    def close(self) -> None:
        """Let go of the connection."""
        self._client.close()

    def _ask(self, what: str, **arguments: Any) -> Any:
        try:
            return getattr(self._client, what)(self.collection, **arguments)
        except Exception as error:
            raise ConvscopeError("embed_errors.no_milvus", address=self._url) from error


class MilvusIndex:
    """Answers like every index, out of a data base: places among the given keys."""

    def __init__(self, store: MilvusStore, keys: Sequence[bytes]) -> None:
        self._store = store
        self._place = {key: place for place, key in reversed(list(enumerate(keys)))}

    def nearest(self, query: np.ndarray, k: int) -> Found:
        """Vectors in the data base that do not belong to the set (any more) are passed over."""
        wanted = k
        while True:
            keys, far = self._store.nearest(query, wanted)
            known = [at for at, key in enumerate(keys) if key in self._place]
            if len(known) >= k or len(keys) < wanted:
                break
            wanted *= 4
        places = np.array([self._place[keys[at]] for at in known[:k]], np.intp)
        return places, far[known[:k]]
