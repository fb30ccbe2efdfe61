"""Puts other code into functions that live: without a guard, or telling which tests come to it.

Nothing is written to the tree, and nothing is imported anew: whoever holds the function runs the new code.
"""

import ast
import builtins
import inspect
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from importlib import import_module
from types import CodeType, FunctionType
from typing import Any

from mutation.guards import ROOT, Guard, Place, functions, place_of

PROBE = "__guard__"
STATEMENTS = ("call", "raise")
EXPRESSIONS = ("answer", "filter", "operand", "query")


class _Without(ast.NodeTransformer):
    """Takes a guard out."""

    def __init__(self, guard: Guard) -> None:
        self._guard = guard

    def visit(self, node: ast.AST) -> ast.AST:
        if isinstance(node, ast.Dict):
            _drop_from(node, self._guard)
        if _is(node, self._guard):
            return _other(node, self._guard.kind)
        self.generic_visit(node)
        return node


def _other(node: ast.AST, kind: str) -> ast.AST:
    if isinstance(node, ast.stmt):
        return ast.copy_location(ast.Pass(), node)
    assert isinstance(node, ast.expr)
    more = kind in ("answer", "filter")
    constant = ast.copy_location(ast.Constant(more), node)
    # Both are worked out, as they may await, or name something.
    both: ast.expr = ast.BoolOp(ast.Or() if more else ast.And(), [node, constant])
    return ast.copy_location(both, node)


def _drop_from(node: ast.Dict, guard: Guard) -> None:
    kept = [
        (key, value)
        for key, value in zip(node.keys, node.values, strict=True)
        if not (guard.kind == "query" and _is(value, guard))
    ]
    node.keys, node.values = [key for key, _ in kept], [value for _, value in kept]


class _Probed(ast.NodeTransformer):
    """Tells the probe when guards are come to, and when they refuse."""

    def __init__(self, numbered: dict[tuple[str, Place], int]) -> None:
        self._numbered = numbered

    def visit(self, node: ast.AST) -> ast.AST:
        place = place_of(node)
        self.generic_visit(node)
        for kind in STATEMENTS if isinstance(node, ast.stmt) else EXPRESSIONS:
            number = self._numbered.get((kind, place))
            if number is not None:
                return _probed(node, kind, number)
        return node


def _probed(node: ast.AST, kind: str, number: int) -> ast.AST:
    if isinstance(node, ast.Raise):
        told = ast.Expr(_tell(number, ast.Constant(value=True)))
        made: ast.AST = ast.If(ast.Constant(value=True), [told, node], [])
    elif isinstance(node, ast.stmt):
        told = ast.Expr(_tell(number, ast.Constant(value=True)))
        handler = ast.ExceptHandler(None, None, [told, ast.Raise()])
        came = ast.Expr(_tell(number, ast.Constant(value=False)))
        made = ast.Try([came, node], [handler], [], [])
    elif kind in ("answer", "filter"):
        assert isinstance(node, ast.expr)
        made = ast.UnaryOp(ast.Not(), _tell(number, ast.UnaryOp(ast.Not(), node)))
    else:
        assert isinstance(node, ast.expr)
        made = _tell(number, node)
    return ast.fix_missing_locations(ast.copy_location(made, node))


def _tell(number: int, value: ast.expr) -> ast.Call:
    return ast.Call(ast.Name(PROBE, ast.Load()), [ast.Constant(number), value], [])


def _is(node: ast.AST, guard: Guard) -> bool:
    kinds = STATEMENTS if isinstance(node, ast.stmt) else EXPRESSIONS if isinstance(node, ast.expr) else ()
    return guard.kind in kinds and place_of(node) == guard.place


@contextmanager
def without(guard: Guard) -> Iterator[None]:
    """The process without this guard."""
    tree = ast.parse((ROOT / guard.path).read_text())
    _Outermost([guard], _Without(guard)).visit(tree)
    with _swapped(guard.path, tree, [guard.function]):
        yield


@contextmanager
def probed(path: str, numbered: dict[int, Guard], probe: object) -> Iterator[None]:
    """The process with probes in these guards of a file, called with the number and whether it refuses."""
    setattr(builtins, PROBE, probe)
    tree = ast.parse((ROOT / path).read_text())
    places = {(guard.kind, guard.place): number for number, guard in numbered.items()}
    _Outermost(numbered.values(), _Probed(places)).visit(tree)
    with _swapped(path, tree, [guard.function for guard in numbered.values()]):
        yield


class _Outermost(ast.NodeTransformer):
    """Leaves all but the functions of these guards as they are."""

    def __init__(self, guards: Iterable[Guard], inner: ast.NodeTransformer) -> None:
        self._names = {guard.function for guard in guards}
        self._inner = inner

    def visit_Module(self, node: ast.Module) -> ast.Module:
        for name, function in list(functions(node)):
            if name in self._names:
                for statement in [*function.body]:
                    place = function.body.index(statement)
                    function.body[place] = self._inner.visit(statement)
        return node


@contextmanager
def _swapped(path: str, tree: ast.Module, names: Iterable[str]) -> Iterator[None]:
    file = str(ROOT / path)
    codes = dict(_codes(compile(ast.fix_missing_locations(tree), file, "exec"), set(names)))
    found = [(one, one.__code__) for one in (_live(path, name) for name in codes)]
    try:
        for function, code in found:
            function.__code__ = codes[code.co_qualname]
        yield
    finally:
        for function, code in found:
            function.__code__ = code


def _live(path: str, name: str) -> FunctionType:
    """The function of this name, whatever is wrapped around it."""
    found: Any = import_module(path.removesuffix(".py").replace("/", "."))
    for part in name.split("."):
        found = vars(found)[part]
    if isinstance(found, property):
        found = found.fget
    found = inspect.unwrap(getattr(found, "__func__", found))
    assert isinstance(found, FunctionType), name
    return found


def _codes(code: CodeType, names: set[str]) -> Iterator[tuple[str, CodeType]]:
    for one in code.co_consts:
        if isinstance(one, CodeType):
            if one.co_qualname in names:
                yield one.co_qualname, one
            else:
                yield from _codes(one, names)
