"""The page on personal data is what the program keeps: no field without a row, and an end that is one."""

import re
from collections.abc import Iterator

import pytest

from app.models import DOCUMENTS
from app.tests.support.documentation import ROOT, table

PAGE = ROOT / "docs" / "guides" / "privacy.md"

_IMPERSONAL = """
access_expires_at access_hash active archived_at assignee_ids at attempts attempts_left author_id
canceled_at category chain clone_suspected_at color command completed_at created created_at
credential_id custom_role_id default_status_id deleting_since derived document_id done dry_run
due_at due_date edited_at epoch erased_memberships error estimate expires_at failed fingerprint
finished_at floor floor_hash folded followed former_keys full_at has_password hash heartbeat hint
holder_id id invited invited_by key keys kind label_ids last_rank lease last_task_number lead_id letter
link_id max_uses member_ids membership_id merged_into_id merging methods moved mutation n parent_id
pending_since permissions previous_access_expires_at previous_access_hash previous_hash
previous_refresh_hash priority project_id provider purpose rank refresh_hash refs remember_me
removed_at reporter_id request_key requires_second_factor role scopes sent_at seq session_id
sign_count skipped source start_date started_at state status_id strict synced taken task_id team_id
token_hash tokens total totp_since totp_step trashed_at type updated_at user_id uses version
visibility workspace_id workspace_ids writes
"""
IMPERSONAL = frozenset(_IMPERSONAL.split())
"""What says nothing of a person by itself: numbers, times of documents, states, hashes of random secrets."""


def rows() -> dict[str, list[str]]:
    return table(PAGE, "What is kept")


def named() -> Iterator[tuple[str, str, str]]:
    """Each field of the page: its collection, its name, how long it is kept."""
    for fields, cells in rows().items():
        for collection, field in re.findall(r"`?([a-z_]+)\.([a-z_]+)`?", fields):
            yield collection, field, cells[1]


def test_every_field_is_impersonal_or_has_a_row() -> None:
    told = {(collection, field) for collection, field, _ in named()}
    stored = {(model.__collection__, field) for model in DOCUMENTS for field in model.__odm_fields__}
    assert told <= stored
    missing = {(collection, field) for collection, field in stored - told if field not in IMPERSONAL}
    assert not missing, f"{PAGE.name} does not say what these are, and when they go: {sorted(missing)}"


@pytest.mark.parametrize(
    "collection", sorted({one for one, _, ends in named() if ends.startswith("expires")})
)
def test_what_expires_has_an_index_that_says_when(collection: str) -> None:
    (model,) = [one for one in DOCUMENTS if one.__collection__ == collection]
    documents = [one.document for one in model.__indexes__() if hasattr(one, "document")]
    assert any("expireAfterSeconds" in one for one in documents)
