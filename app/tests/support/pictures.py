"""Pictures to upload."""

import io
from typing import Any

from PIL import Image


def a_picture(kind: str = "PNG", size: tuple[int, int] = (320, 240), **options: Any) -> bytes:
    """A red picture."""
    written = io.BytesIO()
    Image.new("RGB", size, (200, 30, 30)).save(written, kind, **options)
    return written.getvalue()
