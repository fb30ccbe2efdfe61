"""Draws a picture anew, so that nothing but what is seen is left of an upload."""

import io
from threading import BoundedSemaphore

from PIL import Image, ImageOps

from app.core.errors import FieldCode, invalid

SIDE = 256
MOST_PIXELS = 4096 * 4096
_FORMATS = ("JPEG", "PNG", "WEBP")
# Each takes up to 64 MB, whatever the number of requests.
_AT_ONCE = BoundedSemaphore(2)
# The bound here is lower, and refuses; Pillow's own would only warn.
Image.MAX_IMAGE_PIXELS = None


def draw(content: bytes) -> bytes:
    """A WebP of 256 by 256, cut to its middle. It is the content that says what an upload is.

    Raises `validation_failed` for what is no PNG, JPEG or WebP, is broken, or has too many pixels.
    """
    with _AT_ONCE:
        try:
            picture = Image.open(io.BytesIO(content), formats=_FORMATS)
            bomb = picture.width * picture.height > MOST_PIXELS  # known from its head, before it is unpacked
            small = None if bomb else _fitted(picture)
        except Exception:  # noqa: BLE001 - Pillow raises exceptions of any kind for broken files
            raise invalid("", FieldCode.INVALID_FORMAT) from None
        if small is None:
            raise invalid("", FieldCode.TOO_LARGE)
        written = io.BytesIO()
        small.save(written, "WEBP", quality=85)
        return written.getvalue()


def _fitted(picture: Image.Image) -> Image.Image:
    picture.draft("RGB", (2 * SIDE, 2 * SIDE))  # a JPEG need not be unpacked whole
    return ImageOps.fit(ImageOps.exif_transpose(picture).convert("RGBA"), (SIDE, SIDE))
