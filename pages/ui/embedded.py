"""Bytes as text inside a page."""

import base64

_PICTURES = {b"\x89PNG": "png", b"RIFF": "webp"}


def coded(content: bytes) -> str:
    """Bytes in base 64."""
    return base64.b64encode(content).decode()


def address(picture: bytes) -> str:
    """A PNG, WebP or JPEG as an address that holds the picture itself."""
    return f"data:image/{_PICTURES.get(picture[:4], 'jpeg')};base64,{coded(picture)}"
