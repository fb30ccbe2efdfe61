"""An OpenID provider on loopback, over real HTTP: a good one, until a test has it do wrong."""

import base64
import hashlib
import json
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any, cast
from urllib.parse import parse_qs, parse_qsl, unquote, urlsplit

from joserfc import jws, jwt
from joserfc.jwk import ECKey, Key

from app.core.security import new_token

Claims = dict[str, Any]


@dataclass
class Answered:
    """What the provider answers: JSON, or raw bytes."""

    status: int = 200
    body: Any = None
    headers: dict[str, str] = field(default_factory=dict)

    @property
    def content(self) -> bytes:
        return self.body if isinstance(self.body, bytes) else json.dumps(self.body).encode()


Answer = Callable[[], Answered]


@dataclass
class Authorized:
    """A code that was given: for which request, and what the ID token is to say."""

    query: dict[str, str]
    claims: Claims
    userinfo: Claims


class OpenIdProvider:
    """Checks its client as real providers do: secret, redirect URI, PKCE, each code once."""

    CLIENT_ID = "pastis-tests"
    CLIENT_SECRET = "s3cr3t:of/the client"  # of what must be escaped in the header

    def __init__(self) -> None:
        provider = self

        class Handler(BaseHTTPRequestHandler):
            def do_GET(self) -> None:
                provider._handle(self)

            def do_POST(self) -> None:
                provider._handle(self)

            def log_message(self, *_: Any) -> None:
                pass

        self._server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self._server.daemon_threads = True
        self.issuer = f"http://127.0.0.1:{self._server.server_port}"
        self._thread = threading.Thread(target=self._server.serve_forever, args=(0.05,), daemon=True)
        self._thread.start()
        self.key = ECKey.generate_key("P-256", auto_kid=True)
        self.reset()

    def reset(self) -> None:
        """Be good again."""
        self.metadata: Claims = {}
        """Members of the discovery document that are other than they should be."""
        self.answers: dict[str, Answer] = {}
        """What paths answer instead of what they should."""
        self.sign: Callable[[Claims], str] = self.signed
        self.asked: list[str] = []
        self._codes: dict[str, Authorized] = {}
        self._access: dict[str, Authorized] = {}

    def close(self) -> None:
        self._server.shutdown()
        self._server.server_close()
        self._thread.join()

    @contextmanager
    def gone(self) -> Iterator[None]:
        """Have nobody listen at its address for the block."""
        address = cast("tuple[str, int]", self._server.server_address)
        self.close()
        yield
        self._server = ThreadingHTTPServer(address, self._server.RequestHandlerClass)
        self._server.daemon_threads = True
        self._thread = threading.Thread(target=self._server.serve_forever, args=(0.05,), daemon=True)
        self._thread.start()

    def config(self, **policy: Any) -> dict[str, Any]:
        """How an operator describes it."""
        client = {"client_id": self.CLIENT_ID, "client_secret": self.CLIENT_SECRET}
        return {"id": "tests", "name": "Tests", "issuer": self.issuer, **client, **policy}

    def log_in(self, authorization_url: str, userinfo: Claims | None = None, **claims: Any) -> Claims:
        """What a browser brings back once somebody of these claims has logged in."""
        query = dict(parse_qsl(urlsplit(authorization_url).query))
        assert query["response_type"] == "code"
        assert query["client_id"] == self.CLIENT_ID
        assert query["code_challenge_method"] == "S256"
        code = new_token()
        self._codes[code] = Authorized(query, claims, userinfo or {"sub": claims["sub"]})
        return {"code": code, "state": query["state"], "iss": self.issuer}

    def signed(self, claims: Claims, key: Key | None = None, **header: Any) -> str:
        key = key or self.key
        named = {"alg": "ES256", "kid": key.kid, **header}
        protected = {name: value for name, value in named.items() if value is not None}
        registry = jws.JWSRegistry(algorithms=[protected["alg"]])
        return jwt.encode(protected, claims, key, registry=registry)

    def _handle(self, request: BaseHTTPRequestHandler) -> None:
        path = urlsplit(request.path).path
        self.asked.append(path)
        length = int(request.headers.get("content-length", 0))
        form = {name: values[0] for name, values in parse_qs(request.rfile.read(length).decode()).items()}
        authorization = request.headers.get("authorization", "")
        answer = self.answers[path]() if path in self.answers else self._answer(path, form, authorization)
        request.send_response(answer.status)
        content = answer.content
        for name, value in {"Content-Type": "application/json", **answer.headers}.items():
            request.send_header(name, value)
        request.send_header("Content-Length", str(len(content)))
        request.end_headers()
        with suppress(BrokenPipeError, ConnectionResetError):  # whoever asked has had enough
            request.wfile.write(content)

    def _answer(self, path: str, form: dict[str, str], authorization: str) -> Answered:
        match path:
            case "/.well-known/openid-configuration":
                return Answered(body=self._metadata())
            case "/jwks":
                return Answered(body={"keys": [self.key.as_dict(private=False)]})
            case "/token":
                return self._token(form, authorization)
            case "/userinfo":
                found = self._access.get(authorization.removeprefix("Bearer "))
                return Answered(401, {}) if found is None else Answered(body=found.userinfo)
        return Answered(404, {})

    def _metadata(self) -> Claims:
        return {
            "issuer": self.issuer,
            "authorization_endpoint": f"{self.issuer}/authorize",
            "token_endpoint": f"{self.issuer}/token",
            "jwks_uri": f"{self.issuer}/jwks",
            "userinfo_endpoint": f"{self.issuer}/userinfo",
            "id_token_signing_alg_values_supported": ["none", "HS256", "ES256"],
            "authorization_response_iss_parameter_supported": True,
            **self.metadata,
        }

    def _token(self, form: dict[str, str], authorization: str) -> Answered:
        if not self._is_client(form, authorization):
            return Answered(401, {"error": "invalid_client"})
        found = self._codes.pop(form.get("code", ""), None)
        if found is None or form.get("redirect_uri") != found.query["redirect_uri"]:
            return Answered(400, {"error": "invalid_grant"})
        if _s256(form.get("code_verifier", "")) != found.query["code_challenge"]:
            return Answered(400, {"error": "invalid_grant"})
        access_token = new_token()
        self._access[access_token] = found
        now = int(time.time())
        claims = {
            "iss": self.issuer,
            "aud": self.CLIENT_ID,
            "iat": now,
            "exp": now + 300,
            "nonce": found.query["nonce"],
            "at_hash": _half(access_token),
            **found.claims,
        }
        claims = {name: value for name, value in claims.items() if value is not None}
        return Answered(
            body={"access_token": access_token, "token_type": "Bearer", "id_token": self.sign(claims)}
        )

    def _is_client(self, form: dict[str, str], authorization: str) -> bool:
        given = (form.get("client_id"), form.get("client_secret"))
        if authorization.startswith("Basic "):
            pair = base64.b64decode(authorization[6:]).decode().partition(":")
            given = (unquote(pair[0]), unquote(pair[2]))
        return given == (self.CLIENT_ID, self.CLIENT_SECRET)


def _s256(verifier: str) -> str:
    digest = hashlib.sha256(verifier.encode()).digest()
    return base64.urlsafe_b64encode(digest).rstrip(b"=").decode()


def _half(access_token: str) -> str:
    digest = hashlib.sha256(access_token.encode()).digest()
    return base64.urlsafe_b64encode(digest[:16]).rstrip(b"=").decode()
