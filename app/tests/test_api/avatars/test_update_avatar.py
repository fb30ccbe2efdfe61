"""Putting a picture: what is kept is drawn anew."""

import io
import struct
import zlib
from typing import Any

import pytest
from PIL import Image, PngImagePlugin

from app.models.avatars import Avatar
from app.services.bootstrap import Services
from app.tests.support.clients import Answer, Client, ok, refused
from app.tests.support.conventions import stored
from app.tests.support.factories import Workspace
from app.tests.support.pictures import a_picture

pytestmark = pytest.mark.anyio
PATH = "/api/v1/me/avatar"
CANARY = b"canary-7f3a"


async def put(client: Client, content: bytes, kind: str = "image/png", **headers: str) -> Answer:
    headers = {"Content-Type": kind, **headers}
    return await client.at("").request("PUT", PATH, content=content, headers=headers)


@pytest.mark.parametrize("kind", ["PNG", "JPEG", "WEBP"])
async def test_a_picture_is_cut_and_shown(workspace: Workspace, services: Services, kind: str) -> None:
    answer = await put(workspace.member, a_picture(kind), f"image/{kind.lower()}")
    assert (answer.status_code, answer.content) == (204, b"")
    got = await workspace.member.at("").get(PATH)
    assert got.headers["content-type"] == "image/webp"
    assert got.headers["etag"] == answer.headers["etag"]
    shown = Image.open(io.BytesIO(got.content))
    assert (shown.format, shown.size) == ("WEBP", (256, 256))
    red, green, _ = shown.convert("RGB").getpixel((128, 128))  # type: ignore[misc] # of RGB, three
    assert red > 150
    assert green < 100
    version = ok(await workspace.member.at("").get("/api/v1/me"))["avatar_version"]
    assert got.headers["etag"] == f'"{version}"'
    kept = await stored(services, Avatar, workspace.users["member"].id)
    assert kept is not None
    assert kept["content"] == got.content


async def test_attack_a_payload_travels_in_a_picture(workspace: Workspace, services: Services) -> None:
    notes = PngImagePlugin.PngInfo()
    notes.add_text("Comment", CANARY.decode())
    exif = Image.Exif()
    exif[0x010E] = CANARY.decode()
    for content, kind in (
        (a_picture("PNG", pnginfo=notes) + b"<script>" + CANARY, "image/png"),
        (a_picture("JPEG", exif=exif, comment=CANARY), "image/jpeg"),
        (a_picture("WEBP", exif=exif), "image/webp"),
    ):
        assert CANARY in content
        ok(await put(workspace.member, content, kind), 204)
        kept = await stored(services, Avatar, workspace.users["member"].id)
        assert kept is not None
        assert CANARY not in kept["content"]


def bomb(width: int, height: int) -> bytes:
    """A PNG whose head promises more pixels than it has bytes for."""

    def chunk(kind: bytes, data: bytes) -> bytes:
        return struct.pack(">I", len(data)) + kind + data + struct.pack(">I", zlib.crc32(kind + data))

    head = struct.pack(">IIBBBBB", width, height, 8, 2, 0, 0, 0)
    data = zlib.compress(b"\0" * 1_000_000)
    return b"\x89PNG\r\n\x1a\n" + chunk(b"IHDR", head) + chunk(b"IDAT", data) + chunk(b"IEND", b"")


SVG = b'<svg xmlns="http://www.w3.org/2000/svg"><script>alert(1)</script></svg>'
GOOD = a_picture()


@pytest.mark.parametrize(
    ("content", "code"),
    [
        (b"", "invalid_format"),
        (b"nonsense", "invalid_format"),
        (SVG, "invalid_format"),
        (a_picture("GIF"), "invalid_format"),
        (a_picture("BMP"), "invalid_format"),
        (GOOD[:60], "invalid_format"),
        (GOOD[: len(GOOD) // 2], "invalid_format"),
        (b"\x89PNG\r\n\x1a\n" + b"\0" * 100, "invalid_format"),
        (bomb(4097, 4096), "too_large"),
        (bomb(60_000, 60_000), "too_large"),
        (bomb(2**31 - 1, 2**31 - 1), "too_large"),
        (bomb(4000, 4000), "invalid_format"),
    ],
    ids=range(12),
)
async def test_what_is_no_picture(
    workspace: Workspace, services: Services, content: bytes, code: str
) -> None:
    problem = refused(await put(workspace.member, content), 422, "validation_failed")
    assert [(one["pointer"], one["code"]) for one in problem["errors"]] == [("", code)]
    assert await stored(services, Avatar, workspace.users["member"].id) is None


async def test_the_content_says_what_it_is(workspace: Workspace) -> None:
    """Whichever of the three `Content-Type` names: all of them are drawn anew."""
    for content, kind in ((a_picture("PNG"), "image/jpeg"), (a_picture("JPEG"), "image/webp")):
        ok(await put(workspace.member, content, kind), 204)
        got = await workspace.member.at("").get("/api/v1/me/avatar")
        assert got.headers["content-type"] == "image/webp"
    refused(await put(workspace.member, a_picture("GIF"), "image/png"), 422, "validation_failed")


async def test_too_large_and_of_another_kind(workspace: Workspace, services: Services) -> None:
    refused(await put(workspace.member, GOOD + b"\0" * 1_048_576), 413, "body_too_large")
    for kind in ("image/svg+xml", "image/gif", "text/html", "", "image/png; charset=x"):
        refused(await put(workspace.member, GOOD, kind), 415, "unsupported_media_type")
    assert await stored(services, Avatar, workspace.users["member"].id) is None


async def test_preconditions(workspace: Workspace) -> None:
    refused(await put(workspace.member, GOOD, **{"If-Match": '"x"'}), 412, "precondition_failed")
    etag = (await put(workspace.member, GOOD)).headers["etag"]
    refused(await put(workspace.member, GOOD, **{"If-Match": '"x"'}), 412, "precondition_failed")
    ok(await put(workspace.member, a_picture(size=(9, 900)), **{"If-Match": etag}), 204)


async def test_it_can_be_taken_away(workspace: Workspace, services: Services) -> None:
    client: Any = workspace.member.at("")
    ok(await put(client, GOOD), 204)
    for _ in range(2):  # nothing to take away is as good
        ok(await client.delete(PATH), 204)
    refused(await client.get(PATH), 404, "not_found")
    assert ok(await client.get("/api/v1/me"))["avatar_version"] is None
    assert await stored(services, Avatar, workspace.users["member"].id) is None
