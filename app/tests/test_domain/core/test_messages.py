from collections.abc import Iterable
from time import perf_counter
from types import ModuleType

import pytest
from hypothesis import given
from hypothesis import strategies as st

from app.core import messages_en, messages_fr
from app.core.errors import STATUS, ErrorCode, FieldCode, PastisError, invalid, not_found
from app.core.messages import LANGUAGES, field_text, pick_language, placeholders, problem_text

EXACT: dict[str, str | int] = {
    "above": 1,
    "below": 9,
    "choices": "a, b",
    "count": 3,
    "expected": "integer",
    "field": "name",
    "header": "If-Match",
    "kind": "task",
    "limit": 100,
    "max": 9,
    "min": 1,
    "parameter": "colour",
    "permission": "task.update",
    "reason": "changed_since",
    "role": "owner",
    "state": "running",
    "workspaces": "fluid",
}


def params_of(texts: Iterable[str]) -> list[frozenset[str]]:
    return [placeholders(text) for text in texts]


def test_every_code_has_a_status_and_the_codes_are_in_order() -> None:
    assert set(STATUS) == set(ErrorCode)
    assert list(ErrorCode) == sorted(ErrorCode)
    assert list(FieldCode) == sorted(FieldCode)


@pytest.mark.parametrize("catalogue", [messages_en, messages_fr])
def test_a_catalogue_is_complete(catalogue: ModuleType) -> None:
    assert set(catalogue.PROBLEMS) == set(ErrorCode)
    assert set(catalogue.FIELDS) == set(FieldCode)


def test_both_languages_say_the_same_with_the_same_params() -> None:
    for code in ErrorCode:
        assert params_of(messages_en.PROBLEMS[code]) == params_of(messages_fr.PROBLEMS[code]), code
    for field_code in FieldCode:
        assert params_of(messages_en.FIELDS[field_code]) == params_of(messages_fr.FIELDS[field_code])
    assert messages_en.NOUNS.keys() == messages_fr.NOUNS.keys()
    assert messages_en.REASONS.keys() == messages_fr.REASONS.keys()


@pytest.mark.parametrize("language", LANGUAGES)
@pytest.mark.parametrize("params", [EXACT, {}], ids=["exact", "none"])
def test_every_text_is_a_filled_sentence(language: str, params: dict[str, str | int]) -> None:
    details = [problem_text(code, language, params) for code in ErrorCode]
    sentences = [detail for _, detail in details] + [field_text(c, language, params) for c in FieldCode]
    assert all(sentence.endswith(".") and sentence[0].isupper() for sentence in sentences)
    assert not any("{" in sentence or "object at" in sentence for sentence in sentences)
    assert all(title and not title.endswith(".") for title, _ in details)


@pytest.mark.parametrize(
    ("code", "params", "english", "french"),
    [
        (
            ErrorCode.NOT_FOUND,
            {"kind": "task"},
            "The task does not exist or you cannot see it.",
            "La tâche n'existe pas ou vous n'y avez pas accès.",
        ),
        (
            ErrorCode.NOT_FOUND,
            {"kind": "idempotency key"},
            "The idempotency key does not exist or you cannot see it.",
            "La clé d'idempotence n'existe pas ou vous n'y avez pas accès.",
        ),
        (
            ErrorCode.NOT_FOUND,
            {"kind": "import"},
            "The import does not exist or you cannot see it.",
            "L'import n'existe pas ou vous n'y avez pas accès.",
        ),
        (
            ErrorCode.ALREADY_EXISTS,
            {"kind": "label", "field": "name"},
            "A label with this name already exists.",
            "Une étiquette avec ce nom existe déjà.",
        ),
        (
            ErrorCode.ALREADY_EXISTS,
            {"kind": "account", "field": "email"},
            "An account with this e-mail address already exists.",
            "Un compte avec cette adresse e-mail existe déjà.",
        ),
        (
            ErrorCode.ALREADY_EXISTS,
            {"kind": "user", "field": "id"},
            "A user with this identifier already exists.",
            "Un utilisateur avec cet identifiant existe déjà.",
        ),
        (
            ErrorCode.ARCHIVED,
            {"kind": "project"},
            "The project is archived and cannot change until it is restored.",
            "Le projet est archivé et ne peut pas changer avant d'être restauré.",
        ),
        (
            ErrorCode.ARCHIVED,
            {"kind": "label"},
            "The label is archived and cannot change until it is restored.",
            "L'étiquette est archivée et ne peut pas changer avant d'être restaurée.",
        ),
        (
            ErrorCode.CYCLE,
            {"kind": "project"},
            "The project would depend on itself.",
            "Le projet dépendrait de lui-même.",
        ),
        (
            ErrorCode.CYCLE,
            {"kind": "task"},
            "The task would depend on itself.",
            "La tâche dépendrait d'elle-même.",
        ),
        (
            ErrorCode.LIMIT_REACHED,
            {"kind": "workspace", "limit": 20},
            "The limit of 20 workspaces is reached.",
            "La limite de 20 espaces de travail est atteinte.",
        ),
        (
            ErrorCode.UNDO_CONFLICT,
            {"reason": "gone"},
            "This cannot be undone: the object does not exist any more.",
            "Cette action ne peut pas être annulée\u00a0: l'objet n'existe plus.",
        ),
        (
            ErrorCode.NOT_FOUND,
            {"kind": "no such noun"},
            "The object does not exist or you cannot see it.",
            "L'objet n'existe pas ou vous n'y avez pas accès.",
        ),
    ],
)
def test_sentences_read_well(
    code: ErrorCode, params: dict[str, str | int], english: str, french: str
) -> None:
    assert problem_text(code, "en", params)[1] == english
    assert problem_text(code, "fr", params)[1] == french


def test_a_text_is_as_exact_as_its_params() -> None:
    assert field_text(FieldCode.OUT_OF_RANGE, "en", {"min": 1, "max": 5}).endswith("between 1 and 5.")
    assert field_text(FieldCode.OUT_OF_RANGE, "en", {"max": 5}).endswith("at most 5.")
    assert field_text(FieldCode.OUT_OF_RANGE, "en", {"other": 5}).endswith("out of range.")
    assert "constellation" in problem_text(ErrorCode.UNDO_CONFLICT, "fr", {"reason": "constellation"})[1]


def test_a_value_is_never_taken_for_a_template() -> None:
    hostile = "{kind.__class__} {0} {"
    assert hostile in problem_text(ErrorCode.WRONG_STATE, "en", {"kind": "task", "state": hostile})[1]


def test_an_unknown_language_is_answered_in_english() -> None:
    assert problem_text(ErrorCode.CYCLE, "tlh", {}) == problem_text(ErrorCode.CYCLE, "en", {})
    assert field_text(FieldCode.BLANK, "tlh", {}) == field_text(FieldCode.BLANK, "en", {})


@pytest.mark.parametrize(
    ("header", "language"),
    [
        (None, "en"),
        ("", "en"),
        ("fr", "fr"),
        ("FR-ca", "fr"),
        ("fr-CH, fr;q=0.9, en;q=0.8, de;q=0.7, *;q=0.5", "fr"),
        ("en;q=0.5, fr;q=0.500", "en"),
        ("fr;q=0.5, en;q=0.5", "fr"),
        ("fr;q=0.3,en;q=0.4", "en"),
        ("de", "en"),
        ("de, fr;q=0.1", "fr"),
        ("*", "en"),
        ("en;q=0, *", "fr"),
        ("en;q=0", "en"),
        ("fr;q=2, en;q=0.1", "en"),
        ("fr;q=0.1234, en;q=0.1", "en"),
        ("fr;level=1", "en"),
        ("fr ; Q=1.000", "fr"),
        (";;,,;q=1,=", "en"),
    ],
)
def test_pick_language(header: str | None, language: str) -> None:
    assert pick_language(header) == language


@given(st.text() | st.text(alphabet="enfr*-;=q0.1, "))
def test_pick_language_takes_anything(header: str) -> None:
    assert pick_language(header) in LANGUAGES


@given(st.permutations(["fr;q=0.9", "en;q=0.8", "de", "es;q=0.7"]))
def test_weights_count_more_than_order(parts: list[str]) -> None:
    assert pick_language(", ".join(parts)) == "fr"


@pytest.mark.parametrize("part", ["fr;q=0.1,", "x" * 9 + ",", ";", "-", "fr;q=0." + "0" * 99 + ","])
def test_pick_language_is_linear(part: str) -> None:
    began = perf_counter()
    pick_language(part * (1_000_000 // len(part)))
    assert perf_counter() - began < 3


def test_errors_carry_what_an_answer_needs() -> None:
    error = not_found("task")
    assert (error.status, error.code, error.params) == (404, ErrorCode.NOT_FOUND, {"kind": "task"})
    refused = invalid("/title", FieldCode.TOO_LONG, limit=10)
    assert refused.status == 422
    assert (refused.errors[0].pointer, refused.errors[0].params) == ("/title", {"limit": 10})
    stale = PastisError(ErrorCode.PRECONDITION_FAILED, current={"id": 1}, headers={"ETag": '"2"'})
    assert (stale.current, stale.headers) == ({"id": 1}, {"ETag": '"2"'})
