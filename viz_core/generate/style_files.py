"""Trained styles as files people can keep and share: the weights in safetensors, and a card in the file's header."""

import hashlib
import threading
from collections import OrderedDict
from functools import lru_cache
from pathlib import Path
from typing import Annotated

from pydantic import BaseModel, ConfigDict, Field, ValidationError
from safetensors import SafetensorError
from safetensors.torch import load, save

from viz_core.errors import ConvscopeError
from viz_core.generate.style_network import StyleNetwork

ASSETS = Path(__file__).parents[2] / "assets" / "styles"
SHIPPED = "style:"
TRAINED = "trained:"
MOST_BYTES = 32 * 2**20
MOST_KEPT = 16

Name = Annotated[str, Field(min_length=1, max_length=80)]


class Architecture(BaseModel):
    """The size of a style network."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    styles: int = Field(ge=1, le=16)
    width: int = Field(ge=4, le=64)
    blocks: int = Field(ge=0, le=12)


class Training(BaseModel):
    """How a style network was trained, as the parameters of `fast-style-train` are called."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    batch: int = Field(ge=1)
    style_size: int = Field(ge=16)
    style_weight: float = Field(ge=0)
    content_weight: float = Field(ge=0)
    smoothness: float = Field(ge=0)
    rate: float = Field(gt=0)
    seed: int = Field(ge=0)


class StyleCard(BaseModel):
    """What a trained style is: the names of its styles, its network, and how it was trained."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    names: tuple[Name, ...] = Field(min_length=1, max_length=16)
    architecture: Architecture
    judge: Name = Field(description="the network that said what a style is")
    judge_weights: Name
    contents: Name = Field(description="the pictures it was trained on")
    side: int = Field(ge=16, le=2048, description="side of the training crops, pixels")
    steps: int = Field(ge=0)
    training: Training | None = None
    licence: str = Field(default="", max_length=400)


class TrainedStyle:
    """A style network ready for use, with its card; the weights are frozen."""

    def __init__(self, content: bytes) -> None:
        """Read a file's content; raises ConvscopeError where it is no trained style."""
        if len(content) > MOST_BYTES:
            raise ConvscopeError("style_errors.too_large", limit=MOST_BYTES // 2**20)
        try:
            self.card = _card(content)
            self.network = StyleNetwork(**self.card.architecture.model_dump())
            weights = {name: value.float() for name, value in load(content).items()}
            self.network.load_state_dict(weights)
        except (SafetensorError, ValidationError, RuntimeError, ValueError, KeyError) as error:
            raise ConvscopeError("style_errors.not_a_style") from error
        if len(self.card.names) != self.network.styles or not all(v.isfinite().all() for v in weights.values()):
            raise ConvscopeError("style_errors.not_a_style")
        self.network.requires_grad_(False).eval()
        self.digest = hashlib.sha256(content).hexdigest()[:16]


def pack(network: StyleNetwork, card: StyleCard) -> bytes:
    """A style network and its card as the content of a `.safetensors` file; weights in half precision."""
    weights = {name: value.detach().half().contiguous() for name, value in network.state_dict().items()}
    return save(weights, {"convscope": card.model_dump_json()})


def _card(content: bytes) -> StyleCard:
    length = int.from_bytes(content[:8], "little")
    if not 0 < length <= len(content) - 8:
        raise ValueError("no header")
    header = _Header.model_validate_json(content[8 : 8 + length])
    return StyleCard.model_validate_json(header.metadata["convscope"])


class _Header(BaseModel):
    metadata: dict[str, str] = Field(alias="__metadata__")


class _Kept:
    """Styles trained or brought here, by digest: the least recently used leave first. Safe from any thread."""

    def __init__(self) -> None:
        self._styles: OrderedDict[str, bytes] = OrderedDict()
        self._lock = threading.Lock()

    def keep(self, digest: str, content: bytes) -> None:
        with self._lock:
            self._styles[digest] = content
            self._styles.move_to_end(digest)
            while len(self._styles) > MOST_KEPT:
                self._styles.popitem(last=False)

    def find(self, digest: str) -> bytes | None:
        with self._lock:
            return self._styles.get(digest)


_kept = _Kept()


def keep_trained(content: bytes) -> str:
    """Keep a trained style for a while and return its reference, `trained:<digest>`; raises ConvscopeError for others."""
    digest = TrainedStyle(content).digest
    _kept.keep(digest, content)
    return TRAINED + digest


def shipped() -> tuple[str, ...]:
    """References of the styles that come with Convscope."""
    return tuple(SHIPPED + path.stem for path in sorted(ASSETS.glob("*.safetensors")))


def open_style(ref: str) -> TrainedStyle:
    """The trained style behind `style:<name>`, `trained:<digest>` or a file's path; raises ConvscopeError."""
    if ref.startswith(TRAINED):
        content = _kept.find(ref.removeprefix(TRAINED))
        if content is None:
            raise ConvscopeError("style_errors.forgotten")
        return _read(content)
    path = ASSETS / f"{ref.removeprefix(SHIPPED)}.safetensors" if ref.startswith(SHIPPED) else Path(ref)
    if (ref.startswith(SHIPPED) and ref not in shipped()) or not path.is_file():
        raise ConvscopeError("style_errors.no_style", name=ref, known=", ".join(shipped()))
    if path.stat().st_size > MOST_BYTES:
        raise ConvscopeError("style_errors.too_large", limit=MOST_BYTES // 2**20)
    return _read(path.read_bytes())


@lru_cache(maxsize=8)
def _read(content: bytes) -> TrainedStyle:
    return TrainedStyle(content)
