"""What a backup consists of, what a new one must hold, and how documents follow their log. Pure."""

from collections.abc import Iterable, Mapping, Sequence
from datetime import datetime, timedelta
from itertools import pairwise

from odmantic import Model

from app.core.documents import Doc, Entity, derived, loaded, stored
from app.core.jobs import Job
from app.core.log import Event, Head, Mutation
from app.models.audit import AuditEntry, AuditHead
from app.models.avatars import Avatar
from app.models.confirmations import Confirmation
from app.models.factors import FactorSet, LoginChallenge
from app.models.identities import Identity, IdentityRequest
from app.models.imports import ImportRun
from app.models.invitations import InvitationSecret
from app.models.limits import Bucket
from app.models.links import LinkPassword, Visit
from app.models.memberships import Membership
from app.models.passkeys import Passkey, PasskeyChallenge
from app.models.presences import Presence
from app.models.projects import Project
from app.models.sessions import Session, SpentToken
from app.models.tickets import Ticket
from app.models.tokens import ApiToken
from app.models.tombstones import Tombstone
from app.models.users import User
from app.schemas.backups import Backup, Manifest, Mark, Migrated
from app.services.backups.envelope import BackupError

WHOLE: Sequence[type[Model]] = (
    User,
    FactorSet,
    Identity,
    Passkey,
    LinkPassword,
    ImportRun,
    AuditHead,
)
"""Copied whole each time, and restored as the last backup has them."""
SINCE: Mapping[type[Model], str] = {AuditEntry: "at", Avatar: "updated_at", Mutation: "at"}
"""Copied as far as they are newer than the former backup, by this field.

The entries of the audit log come after its heads, which must not be ahead of them.
"""
OVERLAP = timedelta(days=1)
"""By so much times of several machines may differ."""
INTERNAL: Mapping[type[Entity], Sequence[str]] = {
    Membership: ("given_by", "merging"),
    Project: ("last_task_number", "last_rank"),
}
"""Fields that are not in the log and follow from nothing that is: copied for all documents each time."""
LOG: Sequence[type[Model]] = (Event, Head)
"""Events are copied by their numbers; heads are marks in the manifest."""
LEFT_OUT: Sequence[type[Model]] = (
    *(ApiToken, InvitationSecret, Session, SpentToken, Ticket, Visit),  # what lets in whoever shows it
    *(Confirmation, IdentityRequest, LoginChallenge, PasskeyChallenge),  # what is under way for minutes
    *(Bucket, Job, Presence),  # jobs hold mails; of what was begun, the mark is there, and asks for one anew
    Tombstone,  # for clients of before, who begin anew
)
"""Not in a backup: nobody comes back in by a token that was stolen, or revoked since."""


def chains(backups: Sequence[Backup]) -> list[list[Backup]]:
    """Each full backup with its increments, the oldest first."""
    found: list[list[Backup]] = []
    for one in backups:
        if one.manifest.full or not found:
            found.append([])
        found[-1].append(one)
    return found


def check_chain(chain: Sequence[Backup]) -> None:
    """Raises BackupError where a full backup or one of its increments was changed or lost."""
    lost = [] if chain[0].manifest.full else [chain[0]]
    for one, after in pairwise(chain):
        if after.number != one.number + 1 or after.manifest.parent != one.sha256:
            lost.append(after)
    if lost:
        raise BackupError(
            f"Backup {lost[0].number} does not stand on the one before: that was changed or lost."
        )


def expired(backups: Sequence[Backup], before: datetime) -> list[Backup]:
    """Those that nothing newer than a time needs: of chains that ended before it."""
    ended = [chain for chain, after in pairwise(chains(backups)) if after[0].manifest.at <= before]
    return [one for chain in ended for one in chain]


def why_full(backups: Sequence[Backup], heads: Sequence[Doc], migrations: Sequence[Migrated]) -> str | None:
    """Why a backup cannot go on from the former ones by the log alone; None where it can."""
    if not backups:
        return "it is the first one"
    try:
        check_chain(chains(backups)[-1])
    except BackupError:
        return "one before it was changed or lost"
    former = backups[-1].manifest
    marks = former.marks
    reasons = {
        "the data has been migrated": former.migrations != list(migrations),
        "a workspace is gone": bool(marks.keys() - {head["_id"] for head in heads}),
        "a log has begun anew": any(_anew(head, marks.get(head["_id"])) for head in heads),
        "a log was shortened": any(head["floor"] > _seq(marks.get(head["_id"])) for head in heads),
    }
    return next((reason for reason, holds in reasons.items() if holds), None)


def _anew(head: Doc, mark: Mark | None) -> bool:
    return mark is not None and (head["epoch"] != mark.epoch or head["seq"] < mark.seq)


def _seq(mark: Mark | None) -> int:
    return 0 if mark is None else mark.seq


def mark(head: Doc, slug: str, former: Mark | None, start: int | None) -> Mark:
    """What a backup must hold of a workspace's log. `start` is where it was before documents were copied.

    None, where only the log is copied: then it goes on from the former mark.
    """
    since = _seq(former) if start is None else head["floor"]
    if start is None:
        start = 0 if former is None else former.start
    return Mark(
        id=head["_id"],
        slug=slug,
        epoch=head["epoch"],
        seq=head["seq"],
        floor=head["floor"],
        since=since,
        start=start,
        events=0,
    )


def shortened(mark: Mark, floor: int, *, full: bool) -> bool:
    """Whether events that a backup needs may have been deleted before it came to them."""
    return floor > mark.since or (full and mark.floor > mark.start)


class LogReader:
    """Holds the events of a chain of backups against what their manifests say of them."""

    def __init__(self, at: datetime | None = None) -> None:
        self._at = at
        self.later: dict[str, int] = {}
        """The first number of each workspace whose event is newer than the time that was asked for."""
        self._marks: dict[str, Mark] = {}
        self._seen: dict[str, tuple[int, int]] = {}
        self.events = 0
        self.lacking = 0
        """Numbers without an event, as the database was when it was backed up."""

    def begin(self, manifest: Manifest) -> None:
        """The next backup of the chain; raises BackupError where its log does not go on."""
        for one in manifest.workspaces:
            former = self._marks.get(one.id)
            since = one.floor if manifest.full else _seq(former)
            if one.since != since or (former is not None and not manifest.full and one.epoch != former.epoch):
                raise BackupError(
                    f"The log of workspace {one.id} does not go on in backup {manifest.number}."
                )
        self._marks = manifest.marks
        self._seen = {one.id: (one.since, 0) for one in manifest.workspaces}

    def see(self, event: Doc) -> None:
        """The next event of a workspace; raises BackupError where it is not in its place."""
        id_, seq = event["workspace_id"], event["seq"]
        last, count = self._seen.get(id_, (seq, 0))
        if not last < seq <= self._marks[id_].seq:
            raise BackupError(f"Event {seq} of workspace {id_} is not in its place.")
        self._seen[id_] = (seq, count + 1)
        if self._at is not None and event["at"] > self._at:
            self.later.setdefault(id_, seq)

    def end(self) -> None:
        """Raises BackupError where a workspace has not as many events as its mark says."""
        for id_, one in self._marks.items():
            count = self._seen[id_][1]
            if count != one.events:
                raise BackupError(f"Workspace {id_} has {count} events in the place of {one.events}.")
            self.events += count
            self.lacking += one.seq - one.since - count


def forward(model: type[Entity], workspace_id: str, doc: Doc | None, op: Doc) -> Doc | None:
    """A document after an operation, from before or from after it: what was done is not done again."""
    if doc is not None and doc["version"] >= op["version"]:
        return doc
    if op["verb"] == "delete":
        return None
    if op["verb"] == "create":
        return whole(model, workspace_id, op["id"], op["set"])
    # A document that is not there was deleted before the copy came to it.
    return None if doc is None else _with(model, doc, op["set"])


def back(model: type[Entity], workspace_id: str, doc: Doc | None, op: Doc) -> Doc | None:
    """A document before an operation, from the one after it."""
    if op["verb"] == "create":
        return None
    if op["verb"] == "delete":
        return whole(model, workspace_id, op["id"], op["before"])
    return None if doc is None else _with(model, doc, op["before"])


def _with(model: type[Entity], doc: Doc, values: Doc) -> Doc:
    changed = {**doc, **{name: value for name, value in values.items() if name != "id"}}
    return changed | derived(model, changed)


def whole(model: type[Entity], workspace_id: str, id_: str, values: Doc) -> Doc:
    """The stored document for what the log says of it: with its internal fields, as they begin."""
    doc = {"workspace_id": workspace_id, **values, "_id": id_}
    doc.pop("id", None)
    return stored(loaded(model, doc | derived(model, doc)))


def targets(
    manifest: Manifest, seqs: Mapping[str, int], later: Mapping[str, int] | None = None
) -> dict[str, int]:
    """The numbers to take workspaces back to, by their ids, from numbers by id or short name.

    `later` has the first number that is too new of each workspace that has one. Raises BackupError where the
    backup does not reach there.
    """
    found = {}
    for name, seq in seqs.items():
        called = [one for one in manifest.workspaces if name in {one.id, one.slug}]
        if len(called) != 1:
            raise BackupError(f"The backup has no workspace {name}.")
        if not called[0].floor <= seq <= called[0].seq:
            reach = f"from {called[0].floor} to {called[0].seq}"
            raise BackupError(f"The backup has the log of workspace {name} {reach}: it cannot go to {seq}.")
        found[called[0].id] = seq
    for one in manifest.workspaces:
        if one.id in (later or {}):
            found[one.id] = _last_before(one, (later or {})[one.id])
    return {id_: seq for id_, seq in found.items() if seq < manifest.marks[id_].seq}


def _last_before(mark: Mark, seq: int) -> int:
    # Where nothing is older, the time may be from before the log begins; one that begins at 0 tells all.
    if mark.floor and seq <= mark.floor + 1:
        raise BackupError(f"The log of workspace {mark.slug} begins after that time, at number {mark.floor}.")
    return seq - 1


def wanted(texts: Iterable[str]) -> dict[str, int]:
    """Numbers by workspace, from `workspace=number`; raises BackupError for anything else."""
    found = {}
    for text in texts:
        name, _, number = text.rpartition("=")
        if not name or not number.isdecimal():
            raise BackupError(f"{text} is not WORKSPACE=NUMBER.")
        found[name] = int(number)
    return found
