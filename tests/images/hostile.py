"""Uploads nobody should have to send: what each is, its bytes, and the sentence it gets (or that it is opened)."""

import io
import struct
import zipfile
import zlib
from dataclasses import dataclass
from functools import cache

import numpy as np
from PIL import Image

OK = "ok"


@dataclass(frozen=True)
class Upload:
    """A file someone sends: its name, its bytes, and the key of the sentence it must get, or `ok`."""

    name: str
    data: bytes
    expected: str


def photo(width: int = 96, height: int = 64) -> Image.Image:
    """A small colour picture with something in it."""
    y, x = np.mgrid[0:height, 0:width]
    return Image.fromarray(np.stack([x * 255 // width, y * 255 // height, (x ^ y) % 256], axis=-1).astype(np.uint8))


def saved(image: Image.Image, kind: str, **options: object) -> bytes:
    """The bytes of the picture as a file of this kind."""
    file = io.BytesIO()
    image.save(file, kind, **options)
    return file.getvalue()


def png_chunk(kind: bytes, body: bytes) -> bytes:
    """One chunk of a PNG file."""
    return struct.pack(">I", len(body)) + kind + body + struct.pack(">I", zlib.crc32(kind + body))


def declared_png(width: int, height: int, rows: int = 0) -> bytes:
    """A PNG that declares any size and holds `rows` rows of black bits, which deflate to next to nothing."""
    header = struct.pack(">IIBBBBB", width, height, 1, 0, 0, 0, 0)
    rows_of_zero = zlib.compress(bytes((width + 7) // 8 + 1) * rows, 9)
    chunks = [png_chunk(b"IHDR", header), png_chunk(b"IDAT", rows_of_zero), png_chunk(b"IEND", b"")]
    return b"\x89PNG\r\n\x1a\n" + b"".join(chunks)


def _zip(name: str, data: bytes) -> bytes:
    file = io.BytesIO()
    with zipfile.ZipFile(file, "w") as archive:
        archive.writestr(name, data)
    return file.getvalue()


def _animation(kind: str) -> bytes:
    frames = [Image.new("RGB", (32, 32), colour) for colour in ("red", "lime", "blue")]
    return saved(frames[0], kind, save_all=True, append_images=frames[1:])


def _text_bomb() -> bytes:
    """A PNG whose compressed comment unpacks to 200 MB."""
    whole = saved(photo(), "PNG")
    comment = png_chunk(b"zTXt", b"Comment\0\0" + zlib.compress(bytes(200 * 2**20), 9))
    return whole[:33] + comment + whole[33:]


def _broken_exif() -> bytes:
    return saved(photo(), "JPEG", exif=b"Exif\0\0II*\0\xff\xff\xff\xff" + bytes(range(64)))


def _turned() -> bytes:
    exif = Image.Exif()
    exif[0x0112] = 6
    return saved(photo(), "JPEG", exif=exif)


def _grey(values: np.ndarray) -> Image.Image:
    return Image.fromarray(values)


@cache
def uploads() -> tuple[Upload, ...]:
    """Every hostile upload, made afresh once per process."""
    png, jpeg = saved(photo(), "PNG"), saved(photo(), "JPEG")
    ramp = np.linspace(0, 1, 64 * 64, dtype=np.float32).reshape(64, 64)
    odd = ramp.copy()
    odd[0, :3] = np.nan, np.inf, -np.inf
    half = photo().convert("RGBA")
    half.putalpha(128)
    svg = b'<?xml version="1.0"?><svg xmlns="http://www.w3.org/2000/svg"><circle r="9"/></svg>'
    return (
        Upload("empty.png", b"", "image_errors.empty"),
        Upload("one-byte.png", b"\x89", "image_errors.unknown"),
        Upload("zeros.png", bytes(4096), "image_errors.unknown"),
        Upload("noise.jpg", np.random.default_rng(0).bytes(4096), "image_errors.unknown"),
        Upload("notes.png", "This is not a picture. 사진이 아닙니다.".encode(), "image_errors.text"),
        Upload("page.png", b"<!DOCTYPE html><html><body>404</body></html>", "image_errors.html"),
        Upload("drawing.svg", svg, "image_errors.svg"),
        Upload("paper.pdf", b"%PDF-1.7\n%\xe2\xe3\xcf\xd3\n1 0 obj", "image_errors.pdf"),
        Upload("pictures.zip", _zip("a.png", png), "image_errors.zip"),
        Upload("iphone.heic", b"\x00\x00\x00\x24ftypheic\x00\x00\x00\x00mif1heic", "image_errors.heic"),
        Upload("film.mp4", b"\x00\x00\x00\x20ftypisom\x00\x00\x02\x00isomiso2", "image_errors.video"),
        Upload("layers.psd", b"8BPS\x00\x01" + bytes(64), "image_errors.unsupported"),
        Upload("array.npy", b"\x93NUMPY\x01\x00" + bytes(64), "image_errors.array"),
        Upload("script.eps", b"%!PS-Adobe-3.0 EPSF-3.0\n%%BoundingBox: 0 0 9 9\n", "image_errors.text"),
        Upload("half.png", png[: len(png) // 2], "image_errors.truncated"),
        Upload("half.jpg", jpeg[: len(jpeg) * 2 // 3], "image_errors.truncated"),
        Upload("header-only.png", png[:20], "image_errors.broken"),
        Upload("signature-only.jpg", b"\xff\xd8\xff", "image_errors.broken"),
        Upload("damaged.png", png[:41] + bytes(20) + png[61:], "image_errors.broken"),
        Upload("no-rows.png", declared_png(64, 64), "image_errors.truncated"),
        Upload("bomb-12000.png", declared_png(12_000, 12_000, rows=12_000), "image_errors.too_many_pixels"),
        Upload("bomb-20000.png", declared_png(20_000, 20_000, rows=2_000), "image_errors.too_many_pixels"),
        Upload("bomb-two-billion.png", declared_png(2**31 - 1, 2**31 - 1), "image_errors.too_many_pixels"),
        Upload("thread.png", declared_png(40_000, 100, rows=100), "image_errors.too_many_pixels"),
        Upload("text-bomb.png", _text_bomb(), "image_errors.broken"),
        Upload("31-megabytes.bmp", b"BM" + bytes(31 * 2**20), "image_errors.too_many_bytes"),
        Upload("one-pixel.png", saved(photo(1, 1), "PNG"), "image_errors.too_small"),
        Upload("line.png", saved(photo(1, 5000), "PNG"), "image_errors.too_small"),
        Upload("ribbon.png", saved(photo(5000, 8), "PNG"), OK),
        Upload("just-allowed.png", declared_png(7_000, 7_000, rows=7_000), OK),
        Upload("wrong-name.png", jpeg, OK),
        Upload("trailing.jpg", jpeg + b"<script>alert(1)</script>" * 99, OK),
        Upload("broken-exif.jpg", _broken_exif(), OK),
        Upload("turned.jpg", _turned(), OK),
        Upload("print.jpg", saved(photo().convert("CMYK"), "JPEG"), OK),
        Upload("print.tiff", saved(photo().convert("CMYK"), "TIFF"), OK),
        Upload("progressive.jpg", saved(photo(), "JPEG", progressive=True), OK),
        Upload("grey-16-bit.png", saved(_grey((ramp * 65535).astype(np.uint16)), "PNG"), OK),
        Upload("integers.tiff", saved(_grey((ramp * 2**30).astype(np.int32) - 2**29), "TIFF"), OK),
        Upload("not-a-number.tiff", saved(_grey(odd), "TIFF"), OK),
        Upload("only-not-a-number.tiff", saved(_grey(np.full((8, 8), np.nan, np.float32)), "TIFF"), OK),
        Upload("one-bit.png", saved(photo().convert("1"), "PNG"), OK),
        Upload("grey-alpha.png", saved(half.convert("LA"), "PNG"), OK),
        Upload("glass.webp", saved(half, "WEBP", lossless=True), OK),
        Upload("clear-palette.png", saved(photo().quantize(16), "PNG", transparency=0), OK),
        Upload("animation.gif", _animation("GIF"), OK),
        Upload("animation.webp", _animation("WEBP"), OK),
        Upload("animation.png", _animation("PNG"), OK),
    )
