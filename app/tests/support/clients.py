"""A client of the API for tests: JSON in, JSON out, as one person."""

from typing import Any

import httpx2

Answer = httpx2.Response


class Client:
    """Calls the API, with a token if it has one, under a path if it was given one."""

    def __init__(self, http: httpx2.AsyncClient, token: str | None = None, base: str = "") -> None:
        self.http = http
        self.token = token
        self.base = base

    def as_(self, token: str | None) -> "Client":
        return Client(self.http, token, self.base)

    def at(self, base: str) -> "Client":
        return Client(self.http, self.token, base)

    async def request(self, method: str, path: str, **options: Any) -> Answer:
        headers = dict(options.pop("headers", None) or {})
        if self.token is not None:
            headers.setdefault("Authorization", f"Bearer {self.token}")
        return await self.http.request(method, self.base + path, headers=headers, **options)

    async def get(self, path: str, **options: Any) -> Answer:
        return await self.request("GET", path, **options)

    async def post(self, path: str, json: Any = None, **options: Any) -> Answer:
        if json is not None:
            options["json"] = json
        return await self.request("POST", path, **options)

    async def patch(self, path: str, json: Any, **options: Any) -> Answer:
        return await self.request("PATCH", path, json=json, **options)

    async def delete(self, path: str, **options: Any) -> Answer:
        return await self.request("DELETE", path, **options)


def ok(answer: Answer, status: int | None = None) -> Any:
    """The body of an answer that must be a success; its problem is shown where it is not."""
    assert answer.is_success, answer.text
    assert status is None or answer.status_code == status, answer.text
    return answer.json() if answer.content else None


def refused(answer: Answer, status: int, code: str) -> Any:
    """The problem of an answer that must be this refusal."""
    assert answer.headers["content-type"] == "application/problem+json", answer.text
    problem = answer.json()
    assert (answer.status_code, problem["code"]) == (status, code), problem
    assert problem["status"] == status
    if code == "already_exists":
        assert [one["code"] for one in problem["errors"]] == ["taken"], problem
    return problem
