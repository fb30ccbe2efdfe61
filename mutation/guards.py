"""Finds the guards in the source, whoever wrote them, and makes the code without one of them.

A guard is what refuses. They are found by their form, so that a new one needs no list:

- `raise`: a refusal raised; without it the function goes on.
- `operand`: one of several conditions (`or`) of a refusal; without it the others decide alone.
- `call`: a check called for what it raises, or an ending of logins; without it nothing is checked or ended.
- `query`: a condition of a query, such as the workspace or an expiry; without it more is found.
- `answer`: what `sees` answers; without it everything is seen.
- `filter`: a condition in a comprehension of access; without it everything is taken.
- `route`: what a route declares; without it membership is enough, or no login is needed.
"""

import ast
import re
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

ROOT = Path(__file__).parents[1]
ROOMS = (
    *(
        "access",
        "accounts",
        "audit",
        "auth",
        "avatars",
        "confirmations",
        "email_changes",
        "factors",
        "grants",
    ),
    *("identities", "invitations", "limits", "links", "memberships", "passkeys", "password_resets"),
    *("projects", "registrations", "roles", "sessions", "teams", "tokens", "users", "workspaces"),
)
"""The services of identity and access; those that are not there yet are taken when they come."""
LAYERS = ("deps", "fast_lane", "gate", "limits", "session")

_REFUSALS = re.compile(r"^(PastisError|not_found|invalid|already_exists|too_many|refused?)$")
_CHECKS = re.compile(r"^_?(check|demand|refuse|forget|end_all|end_others|end_family)(_|$)")
_NARROWING = frozenset(
    {"access_expires_at", "active", "expires_at", "previous_access_expires_at", "removed_at", "user_id"}
    | {"workspace_id", "token_hash", "purpose", "membership_id"}
)
_DECLARATIONS = frozenset({"Requires", "RequiresAccount", "_Call"})

Place = tuple[int, int, int, int]
"""Line and column of its beginning and of its end."""
Function = ast.FunctionDef | ast.AsyncFunctionDef


@dataclass(frozen=True)
class Guard:
    path: str
    function: str
    """The outermost one that it stands in, with its class; empty for what a module declares."""
    kind: str
    text: str
    place: Place
    number: int = 0
    """Which one it is of those that are alike in the function."""

    @property
    def key(self) -> str:
        """What stays the same when lines move."""
        return f"{self.path}::{self.function}::{self.kind}::{self.text}::{self.number}"

    def __str__(self) -> str:
        return f"{self.path}:{self.place[0]}: {self.kind} {self.text}"


def files(root: Path = ROOT) -> list[Path]:
    services = (path for room in ROOMS for path in (root / "app/services" / room).glob("*.py"))
    layers = (root / "app/api" / f"{name}.py" for name in LAYERS)
    return sorted([*services, *layers, *(root / "app/api/v1/endpoints").glob("*.py")])


def guards(root: Path = ROOT) -> list[Guard]:
    return [
        guard for path in files(root) for guard in guards_in(path.read_text(), str(path.relative_to(root)))
    ]


def guards_in(source: str, path: str) -> list[Guard]:
    """Every guard of a file, in its order; alike ones of a function are numbered."""
    seen: dict[str, int] = {}
    found = []
    for function, kind, node in _found(ast.parse(source), path):
        text = " ".join(named(node).split())[:100]
        alike = f"{function} {kind} {text}"
        found.append(Guard(path, function, kind, text, place_of(node), seen.get(alike, 0)))
        seen[alike] = seen.get(alike, 0) + 1
    return found


def named(node: ast.stmt | ast.expr) -> str:
    """Its source, on one line, with the key that a value of a query stands under."""
    return f"{getattr(node, 'of_key', '')}{ast.unparse(node)}"


def place_of(node: ast.AST) -> Place:
    start, end = getattr(node, "lineno", 0), getattr(node, "end_lineno", 0)
    return start, getattr(node, "col_offset", 0), end, getattr(node, "end_col_offset", 0)


Found = Iterator[tuple[str, str, ast.stmt | ast.expr]]


def _found(tree: ast.Module, path: str) -> Found:
    for name, function in functions(tree):
        if not path.startswith("app/api/v1/endpoints"):
            yield from ((name, *one) for one in _in_function(function, path))
    for node in ast.walk(tree):
        if isinstance(node, ast.Call) and path.startswith("app/api") and _called(node) in _DECLARATIONS:
            yield "", "route", node


def functions(tree: ast.Module | ast.ClassDef, prefix: str = "") -> Iterator[tuple[str, Function]]:
    """The functions and methods, with their names as Python qualifies them, not those inside of others."""
    for node in tree.body:
        if isinstance(node, Function):
            yield prefix + node.name, node
        elif isinstance(node, ast.ClassDef):
            yield from functions(node, f"{prefix}{node.name}.")


def _in_function(function: Function, path: str) -> Iterator[tuple[str, ast.stmt | ast.expr]]:
    queries = path.endswith(("/queries.py", "access/scope.py"))
    for node in ast.walk(function):
        if isinstance(node, ast.Raise) and _refuses(node):
            yield "raise", node
        elif isinstance(node, ast.If):
            yield from (("operand", one) for one in _operands(node, quiet=path.startswith("app/services")))
        elif isinstance(node, ast.Expr) and _checks(node):
            yield "call", node
        elif isinstance(node, ast.Dict) and queries:
            yield from (("query", value) for value in _narrowing(node))
        elif isinstance(node, ast.comprehension) and path.endswith("access/engine.py"):
            yield from (("filter", one) for one in node.ifs)
        elif isinstance(node, ast.Return) and function.name == "sees" and node.value is not None:
            yield "answer", node.value


def _refuses(node: ast.stmt) -> bool:
    raised = node.exc if isinstance(node, ast.Raise) else None
    return isinstance(raised, ast.Call) and _REFUSALS.match(_called(raised)) is not None


def _operands(node: ast.If, *, quiet: bool) -> list[ast.expr]:
    """The conditions of which each alone refuses, by raising or, where that counts, by finding nothing."""
    first = node.body[0]
    nothing = (
        quiet
        and isinstance(first, ast.Return)
        and isinstance(first.value, ast.Constant)
        and not first.value.value
    )
    several = isinstance(node.test, ast.BoolOp) and isinstance(node.test.op, ast.Or)
    if not several or not (nothing or any(_refuses(one) for one in node.body)):
        return []
    assert isinstance(node.test, ast.BoolOp)
    return node.test.values


def _checks(node: ast.Expr) -> bool:
    call = node.value.value if isinstance(node.value, ast.Await) else node.value
    return isinstance(call, ast.Call) and _CHECKS.match(_called(call)) is not None


def _narrowing(node: ast.Dict) -> list[ast.expr]:
    """The values of conditions; a projection or an index has 0 or 1 there."""
    found = []
    for key, value in zip(node.keys, node.values, strict=True):
        shown = isinstance(value, ast.Constant) and isinstance(value.value, int)
        if isinstance(key, ast.Constant) and key.value in _NARROWING and not shown:
            value.of_key = f"{key.value}: "  # type: ignore[attr-defined] # for `named`
            found.append(value)
    return found


def _called(call: ast.Call) -> str:
    function = call.func
    return function.attr if isinstance(function, ast.Attribute) else getattr(function, "id", "")
