from typing import Any

import pytest

from app.models.users import User
from app.services.bootstrap import Services
from app.tests.support.clients import Client, ok, refused
from app.tests.support.factories import PASSWORD
from app.tests.test_api.auth.logins import sessions_of, works

pytestmark = pytest.mark.anyio
PATH = "/api/v1/auth/token"


def form(user: User, **more: str) -> dict[str, str]:
    return {"username": user.email, "password": PASSWORD, **more}


@pytest.mark.parametrize(
    "more",
    [
        {},
        {"grant_type": "password"},
        {"scope": "", "client_id": "docs", "client_secret": "none"},
        {"grant_type": ""},  # RFC 6749, 3.2: without a value is as if left out
        {"audience": "a parameter that OAuth 2 says to ignore"},
    ],
    ids=str,
)
async def test_opens_the_same_login(
    anonymous: Client, services: Services, user: User, more: dict[str, str]
) -> None:
    answer = await anonymous.post(PATH, data=form(user, **more))
    tokens = ok(answer, 200)
    assert tokens["token_type"] == "bearer"
    assert answer.headers["cache-control"] == "no-store"
    assert await works(anonymous, tokens)
    (session,) = await sessions_of(services, user)
    assert session["remember_me"] is False


async def test_multipart_forms_work_too(anonymous: Client, user: User) -> None:
    files = {name: (None, value) for name, value in form(user).items()}
    assert await works(anonymous, ok(await anonymous.post(PATH, files=files)))


async def test_unknown_address_and_wrong_password_answer_alike(
    anonymous: Client, services: Services, user: User
) -> None:
    wrong = await anonymous.post(PATH, data=form(user) | {"password": "wrong"})
    unknown = await anonymous.post(PATH, data=form(user) | {"username": "nobody@fluid.example"})
    problems = [refused(one, 401, "invalid_credentials") for one in (wrong, unknown)]
    assert len({(one["title"], one["detail"]) for one in problems}) == 1
    assert await sessions_of(services, user) == []


async def test_json_is_refused(anonymous: Client, services: Services, user: User) -> None:
    refused(await anonymous.post(PATH, form(user)), 415, "unsupported_media_type")
    assert await sessions_of(services, user) == []


@pytest.mark.parametrize(
    "change",
    [
        {"grant_type": "client_credentials"},
        {"username": ""},
        {"username": "x" * 255},
        {"password": ""},
        {"password": "x" * 129},
        {"scope": "x" * 201},
    ],
    ids=str,
)
async def test_malformed(anonymous: Client, services: Services, user: User, change: dict[str, str]) -> None:
    answer = await anonymous.post(PATH, data=form(user) | change)
    refused(answer, 422, "validation_failed")
    assert await sessions_of(services, user) == []


@pytest.mark.parametrize("name", ["username", "password", "grant_type"])
async def test_a_field_sent_twice_is_refused(
    anonymous: Client, services: Services, user: User, name: str
) -> None:
    # RFC 6749, 3.2: parameters must not be included more than once.
    fields: dict[str, Any] = {**form(user), "grant_type": "password"}
    fields[name] = [fields[name], fields[name]]
    refused(await anonymous.post(PATH, data=fields), 422, "validation_failed")
    assert await sessions_of(services, user) == []


async def test_a_file_is_no_password(anonymous: Client, services: Services, user: User) -> None:
    files = {"username": (None, user.email), "password": ("password.txt", PASSWORD.encode())}
    refused(await anonymous.post(PATH, files=files), 422, "validation_failed")
    assert await sessions_of(services, user) == []


@pytest.mark.parametrize(
    ("content", "media_type"),
    [
        (
            b'--b\r\nContent-Disposition: form-data; name="username"\r\n\r\nx',
            "multipart/form-data; boundary=b",
        ),
        (b"nonsense", "multipart/form-data; boundary=b"),
        (b"nonsense", "multipart/form-data"),
        (b"a=b&" * 2000, "application/x-www-form-urlencoded"),
        (b"\xff\xfe=\x00", "application/x-www-form-urlencoded"),
    ],
    ids=["cut off", "no part", "no boundary", "too many", "no text"],
)
async def test_broken_forms(anonymous: Client, content: bytes, media_type: str) -> None:
    answer = await anonymous.post(PATH, content=content, headers={"Content-Type": media_type})
    assert answer.headers["content-type"] == "application/problem+json"
    assert answer.status_code in (400, 422), answer.text


async def test_the_page_of_the_description_logs_in_here(anonymous: Client) -> None:
    document = ok(await anonymous.get("/openapi.json"))
    scheme = document["components"]["securitySchemes"]["OAuth2PasswordBearer"]
    assert scheme["flows"]["password"]["tokenUrl"] == PATH
