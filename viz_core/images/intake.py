"""Everything that arrives as a picture comes through here: limits first, then a safe decode to 8-bit RGB."""

import codecs
import hashlib
import io
import warnings
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field

import numpy as np
from PIL import Image

from viz_core.errors import ConvscopeError

FORMATS = ("JPEG", "PNG", "WEBP", "GIF", "BMP", "TIFF")
MOST_BYTES = 30 * 2**20
MOST_PIXELS = 50_000_000
LONGEST_SIDE = 16_384
SHORTEST_SIDE = 4
KEPT_SIDE = 2048  # pictures are kept at this length of the long side at most
LARGE_PIXELS = 8_000_000
WHITE_LEVELS = (1, 255, 4095, 65535)  # of 1 (and of floats in [0, 1]), 8, 12 and 16 bits

# Image.open only warns of a picture between one and two times its own limit.
warnings.filterwarnings("error", category=Image.DecompressionBombWarning)

# A large picture needs hundreds of megabytes while it is decoded: two at a time, and always on the same two threads,
# because the C library keeps freed memory for every thread that once used it.
_large = ThreadPoolExecutor(2, thread_name_prefix="large-picture")

_TURNS = {
    2: Image.Transpose.FLIP_LEFT_RIGHT,
    3: Image.Transpose.ROTATE_180,
    4: Image.Transpose.FLIP_TOP_BOTTOM,
    5: Image.Transpose.TRANSPOSE,
    6: Image.Transpose.ROTATE_270,
    7: Image.Transpose.TRANSVERSE,
    8: Image.Transpose.ROTATE_90,
}
_ORIENTATION = 0x0112


@dataclass(frozen=True)
class Picture:
    """An 8-bit RGB picture as a value: read-only pixels (H, W, 3) uint8, equal by the digest of shape and pixels."""

    pixels: np.ndarray = field(compare=False, repr=False)
    digest: str = field(init=False)

    def __post_init__(self) -> None:
        if self.pixels.dtype != np.uint8 or self.pixels.ndim != 3 or self.pixels.shape[2] != 3:
            raise ValueError(f"a picture is (H, W, 3) uint8, not {self.pixels.shape} {self.pixels.dtype}")
        pixels = np.array(self.pixels, order="C")
        pixels.setflags(write=False)
        name = hashlib.blake2b(np.array(pixels.shape, "<i8").tobytes(), digest_size=16)
        name.update(pixels.data)
        object.__setattr__(self, "pixels", pixels)
        object.__setattr__(self, "digest", name.hexdigest())

    @property
    def height(self) -> int:
        """Height in pixels."""
        return self.pixels.shape[0]

    @property
    def width(self) -> int:
        """Width in pixels."""
        return self.pixels.shape[1]


def load_image(data: bytes, enough: int = KEPT_SIDE) -> Picture:
    """Decode the bytes of an uploaded file into an upright RGB picture whose long side is at most 2048 pixels.

    Transparency is laid over white, the first frame stands for an animation, and 16-bit, integer and float pictures are
    scaled to 8 bits. Where a short side of `enough` pixels is all that is needed, a JPEG may be decoded to a half, a
    quarter or an eighth of its size, which is fast. Raises ConvscopeError with one sentence for everything that cannot be shown.
    """
    with _open(data) as image:
        if image.width * image.height < LARGE_PIXELS:
            return _decode(image, enough)
        return _large.submit(_decode, image, enough).result()


def check_image(data: bytes) -> None:
    """Raise what `load_image` would raise for the kind, the header and the size of a file, without decoding its pixels."""
    _open(data).close()


def _open(data: bytes) -> Image.Image:
    if not data:
        raise ConvscopeError("image_errors.empty")
    if len(data) > MOST_BYTES:
        raise ConvscopeError("image_errors.too_many_bytes", size=len(data) // 2**20, limit=MOST_BYTES // 2**20)
    try:
        image = Image.open(io.BytesIO(data), formats=FORMATS)
    except (Image.DecompressionBombError, Image.DecompressionBombWarning) as error:
        raise _too_many_pixels() from error
    except Exception as error:  # a broken header can make a decoder raise anything
        raise ConvscopeError(_kind_of(data)) from error
    _check_size(*image.size)
    return image


def _too_many_pixels() -> ConvscopeError:
    return ConvscopeError("image_errors.too_many_pixels", limit=MOST_PIXELS // 1_000_000, side=LONGEST_SIDE)


def _check_size(width: int, height: int) -> None:
    if width * height > MOST_PIXELS or max(width, height) > LONGEST_SIDE:
        raise _too_many_pixels()
    if min(width, height) < SHORTEST_SIDE:
        raise ConvscopeError("image_errors.too_small", width=width, height=height, limit=SHORTEST_SIDE)


def _decode(image: Image.Image, enough: int) -> Picture:
    try:
        image.draft(image.mode, (enough, enough))  # only JPEG does anything
        image.load()  # before the orientation: asked for that, a PNG loads itself, and its errors would be passed over
        upright = _to_rgb(_shrink(_eight_bits(image)))
        orientation = _orientation(image)
        if orientation in _TURNS:
            upright = upright.transpose(_TURNS[orientation])
        return Picture(np.asarray(upright))
    except (Image.DecompressionBombError, Image.DecompressionBombWarning) as error:
        raise _too_many_pixels() from error
    except MemoryError as error:
        raise ConvscopeError("image_errors.no_memory") from error
    except Exception as error:  # decoders raise OSError, SyntaxError, ValueError, struct.error, ... on broken data
        cut = "truncated" in str(error).lower()
        raise ConvscopeError("image_errors.truncated" if cut else "image_errors.broken") from error


def _orientation(image: Image.Image) -> int:
    try:
        return image.getexif().get(_ORIENTATION, 1)
    except Exception:  # a broken EXIF block is no reason to refuse the picture
        return 1


def _eight_bits(image: Image.Image) -> Image.Image:
    """The picture in a mode that can be scaled: palettes looked up, 16-bit, integer and float values as 8-bit grey."""
    if image.mode in ("1", "P", "PA"):
        return image.convert("RGBA" if image.has_transparency_data else "RGB")
    if image.mode not in ("I", "F") and not image.mode.startswith("I;16"):
        return image
    values = image.convert("F")
    factor = max(values.size) // KEPT_SIDE
    if factor > 1:
        values = values.reduce(min(factor, *values.size))
    return Image.fromarray(_scale(np.asarray(values)))


def _scale(values: np.ndarray) -> np.ndarray:
    """Map values to 0..255: by the least white level that holds them all, else from the least to the greatest value."""
    finite = values[np.isfinite(values)]
    low, high = (float(finite.min()), float(finite.max())) if finite.size else (0.0, 0.0)
    whites = [white for white in WHITE_LEVELS if low >= 0 and high <= white]
    black, white = (0.0, float(whites[0])) if whites else (low, high)
    safe = np.nan_to_num(values.astype(np.float64), nan=black, posinf=white, neginf=black)
    return np.rint(np.clip((safe - black) / (white - black), 0, 1) * 255).astype(np.uint8)


def _to_rgb(image: Image.Image) -> Image.Image:
    if not image.has_transparency_data:
        return image if image.mode == "RGB" else image.convert("RGB")
    clear = image.convert("RGBA")
    return Image.alpha_composite(Image.new("RGBA", clear.size, "white"), clear).convert("RGB")


def _shrink(image: Image.Image) -> Image.Image:
    factor = KEPT_SIDE / max(image.size)
    if factor >= 1:
        return image
    size = [max(1, round(side * factor)) for side in image.size]
    return image.resize((size[0], size[1]), Image.Resampling.BILINEAR, reducing_gap=3.0)


_MAGIC = (
    (b"%PDF", "pdf"),
    (b"PK\x03\x04", "zip"),
    (b"PK\x05\x06", "zip"),
    (b"\x1f\x8b", "zip"),
    (b"7z\xbc\xaf\x27\x1c", "zip"),
    (b"Rar!", "zip"),
    (b"\x1aE\xdf\xa3", "video"),
    (b"8BPS", "unsupported"),
    (b"\x00\x00\x01\x00", "unsupported"),
    (b"\x00\x00\x00\x0cjP", "unsupported"),
    (b"\x00\x00\x00\x0cJXL", "unsupported"),
    (b"\xff\x0a", "unsupported"),
    (b"\x93NUMPY", "array"),
    (b"\xff\xd8\xff", "broken"),
    (b"\x89PNG", "broken"),
    (b"GIF8", "broken"),
    (b"II*\x00", "broken"),
    (b"MM\x00*", "broken"),
    (b"BM", "broken"),
)


def _kind_of(data: bytes) -> str:
    """The sentence for bytes that no decoder took, from their first bytes."""
    head = bytes(data[:1024])
    if head[4:8] == b"ftyp":
        brand = head[8:12]
        if brand in (b"heic", b"heix", b"hevc", b"heim", b"heis", b"mif1", b"msf1"):
            return "image_errors.heic"
        return "image_errors.unsupported" if brand in (b"avif", b"avis") else "image_errors.video"
    if head[:4] == b"RIFF":
        return "image_errors.broken" if head[8:12] == b"WEBP" else "image_errors.video"
    for magic, kind in _MAGIC:
        if head.startswith(magic):
            return f"image_errors.{kind}"
    return _kind_of_text(head)


def _kind_of_text(head: bytes) -> str:
    start = head.removeprefix(b"\xef\xbb\xbf").lstrip().lower()
    if b"<svg" in start:
        return "image_errors.svg"
    if start.startswith((b"<!doctype html", b"<html", b"<head", b"<body")):
        return "image_errors.html"
    printable = sum(byte >= 32 or byte in b"\t\n\r\f" for byte in head)
    is_text = b"\x00" not in head and printable == len(head) and _is_utf8(head)
    return "image_errors.text" if is_text else "image_errors.unknown"


def _is_utf8(head: bytes) -> bool:
    try:
        codecs.getincrementaldecoder("utf-8")().decode(head)  # the last character may be cut
    except UnicodeDecodeError:
        return False
    return True
