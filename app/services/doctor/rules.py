"""What is well with an installation, what is not, and what helps. Pure."""

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from datetime import timedelta
from enum import StrEnum

from app.core.documents import Doc

OLDEST = (6, 0)
SMALL_CLOCK_ERROR = timedelta(seconds=1)
LARGE_CLOCK_ERROR = timedelta(seconds=30)
SCARCE, GONE = 0.15, 0.05
"""Parts of a disk that are still free."""
SHORT_OPLOG = timedelta(hours=24)
LONG_OVERDUE = timedelta(minutes=5)
SHORT_CERTIFICATE = timedelta(days=14)
OWN_FILES = 300
"""What a process opens beside its clients."""
NEEDED = (
    *("find", "insert", "update", "remove", "listIndexes", "createIndex", "createCollection"),
    *("changeStream", "dbStats", "collStats"),
)
"""What the account of the database must be allowed, in MongoDB's words; its role `readWrite` has it all."""


class Health(StrEnum):
    GOOD = "good"
    WARNING = "warning"
    BAD = "bad"


@dataclass(frozen=True, slots=True)
class Finding:
    """What was looked at, how it is, and what helps where it is not well."""

    about: str
    health: Health
    text: str
    advice: str = ""


def settings(problems: Sequence[str], unknown: Sequence[str]) -> Finding:
    """`problems` keep production from starting, `unknown` are variables that look like settings."""
    if problems:
        return Finding("settings", Health.BAD, "; ".join(problems), "Mend them: production does not start.")
    if unknown:
        text = f"{', '.join(unknown)}: no such setting"
        return Finding("settings", Health.WARNING, text, "Correct the name; `pastis config` lists all.")
    return Finding("settings", Health.GOOD, "none is unsafe or unknown")


def version(answers_as: str, secantus: str | None) -> Finding:
    if secantus is not None:
        text, advice = (
            f"SecantusDB {secantus}",
            "Take MongoDB for more than trying: it is faster and has more.",
        )
        return Finding("version", Health.WARNING, text, advice)
    text = f"MongoDB {answers_as}"
    if tuple(int(part) for part in answers_as.split(".")[:2]) < OLDEST:
        return Finding("version", Health.BAD, text, "Pastis needs 6.0 or newer.")
    return Finding("version", Health.GOOD, text)


def replica_set(hello: Doc, members: Sequence[Doc], *, production: bool) -> Finding:
    """`members` are empty where they may not be asked for."""
    about = "replica set"
    if "setName" not in hello:
        return Finding(about, Health.BAD, "none", "Start mongod with --replSet, and initiate it.")
    ill = [f"{one['name']} is {one['stateStr']}" for one in members if one["health"] != 1]
    if ill:
        return Finding(about, Health.BAD, "; ".join(ill), "Start these members, or look at their network.")
    count = len(hello.get("hosts", ()))
    text = f"{hello['setName']}, {count} {'member' if count == 1 else 'members'}"
    if production and count < 3:
        return Finding(about, Health.WARNING, text, "With three members one may fail, and all goes on.")
    return Finding(about, Health.GOOD, text)


def account(privileges: Sequence[Doc] | None, database: str, *, production: bool) -> Finding:
    """`privileges` as MongoDB's `connectionStatus` gives them, None where no account is asked for."""
    if privileges is None:
        if production:
            return Finding("account", Health.WARNING, "the database asks for none", "Set up an account.")
        return Finding("account", Health.GOOD, "the database asks for none")
    allowed = {
        action for one in privileges if _is_about(one["resource"], database) for action in one["actions"]
    }
    lacking = [action for action in NEEDED if action not in allowed]
    if lacking and "anyAction" not in allowed:
        advice = f"Grant it MongoDB's role readWrite on {database}."
        return Finding("account", Health.BAD, f"it may not {', '.join(lacking)}", advice)
    return Finding("account", Health.GOOD, "it may all that is needed")


def _is_about(resource: Mapping[str, object], database: str) -> bool:
    if resource.get("anyResource"):
        return True
    return resource.get("db") in {database, ""} and resource.get("collection") == ""


def migrations(states: Mapping[str, str]) -> Finding:
    """The state of each migration by its name."""
    waiting = [name for name, state in states.items() if state != "done"]
    if waiting:
        text = f"{', '.join(waiting)}: not done"
        return Finding("migrations", Health.WARNING, text, "Run `pastis db migrate`; `serve` does, too.")
    return Finding("migrations", Health.GOOD, f"all {len(states)} done")


def indexes(missing: Collection[str]) -> Finding:
    """Named as `collection.index`."""
    if missing:
        text = f"{', '.join(sorted(missing))}: missing"
        return Finding("indexes", Health.BAD, text, "Run `pastis db migrate`, which makes them.")
    return Finding("indexes", Health.GOOD, "all there")


def clock(ahead: timedelta) -> Finding:
    """How far this machine's clock is ahead of the database's."""
    text = (
        f"{abs(ahead.total_seconds()):.1f} s {'ahead of' if ahead > timedelta() else 'behind'} the database"
    )
    advice = "Let all machines follow the same time server (NTP)."
    if abs(ahead) > LARGE_CLOCK_ERROR:
        return Finding("clock", Health.BAD, text, advice)
    if abs(ahead) > SMALL_CLOCK_ERROR:
        return Finding("clock", Health.WARNING, text, advice)
    return Finding("clock", Health.GOOD, "as the database's")


def disk(about: str, free: float, total: float) -> Finding:
    """In bytes."""
    text = f"{free / 1e9:.1f} of {total / 1e9:.1f} GB free"
    part = free / total if total else 1.0
    if part < GONE:
        return Finding(about, Health.BAD, text, "Make room now: a full disk stops the database.")
    if part < SCARCE:
        return Finding(about, Health.WARNING, text, "Make room before it is full.")
    return Finding(about, Health.GOOD, text)


def oplog(reaches_back: timedelta, *, production: bool) -> Finding:
    """How long a member may be away and still come back without copying everything."""
    text = f"reaches {reaches_back.total_seconds() / 3600:.1f} h back"
    if production and reaches_back < SHORT_OPLOG:
        advice = "A member that is away for longer copies everything anew. Once it is a day old, enlarge it."
        return Finding("oplog", Health.WARNING, text, advice)
    return Finding("oplog", Health.GOOD, text)


def mail(server: str | None, problem: str | None, *, production: bool) -> Finding:
    """`problem` is why the server took no login."""
    if server is None:
        if production:
            return Finding("mail", Health.WARNING, "no mail server: mails wait", "Set PASTIS_SMTP_HOST.")
        return Finding("mail", Health.GOOD, "no mail server: mails become files")
    if problem is not None:
        advice = "Look at PASTIS_SMTP_*; `pastis mail test ADDRESS` sends a mail."
        return Finding("mail", Health.BAD, f"{server}: {problem}", advice)
    return Finding("mail", Health.GOOD, f"{server} takes mails")


def jobs(failed: int, overdue_seconds: float) -> Finding:
    """How many were given up, and how long the first that waits is due."""
    if overdue_seconds > LONG_OVERDUE.total_seconds():
        text = f"one is due for {overdue_seconds / 60:.0f} min"
        advice = "Nobody does them: let `pastis serve` do it (PASTIS_WORKER), or run `pastis work`."
        return Finding("jobs", Health.BAD, text, advice)
    if failed:
        advice = "See `pastis jobs list --state failed`; `pastis jobs retry` tries them again."
        return Finding("jobs", Health.WARNING, f"{failed:,} given up", advice)
    return Finding("jobs", Health.GOOD, "none waits for long, none was given up")


def files(limit: int | None, streams: int) -> Finding:
    """How many a process may open, None for any number, and how many clients it is to tell live."""
    if limit is not None and limit < streams + OWN_FILES:
        text = f"{limit:,} open files are too few for {streams:,} streams"
        advice = "Raise the limit (LimitNOFILE, ulimit -n), or lower PASTIS_MAX_STREAMS."
        return Finding("open files", Health.WARNING, text, advice)
    return Finding("open files", Health.GOOD, "enough for all streams")


def folder(path: str, *, writable: bool, readable_by_others: bool) -> Finding:
    """Where Pastis keeps logs, the secret, and in development the database and mails."""
    if not writable:
        advice = "Give it to the account that Pastis runs as."
        return Finding("folder", Health.BAD, f"{path} cannot be written to", advice)
    if readable_by_others:
        text = f"{path} can be read by others on this machine"
        return Finding("folder", Health.WARNING, text, f"chmod -R go= {path}")
    return Finding("folder", Health.GOOD, f"{path} is Pastis' own")


def public_url(url: str, *, production: bool) -> Finding:
    if production and not url.startswith("https://"):
        advice = "Set PASTIS_PUBLIC_URL to the HTTPS address that people open: passkeys and links need it."
        return Finding("public address", Health.WARNING, url, advice)
    return Finding("public address", Health.GOOD, url)


def certificate(left: timedelta | None, problem: str | None) -> Finding:
    """`left` is how long the public address' certificate is still good; `problem` is why it is not good now.

    Neither, where nobody shows one.
    """
    if problem is not None:
        advice = "Browsers refuse it. Renew it, for the host of PASTIS_PUBLIC_URL, with its whole chain."
        return Finding("certificate", Health.BAD, problem, advice)
    if left is None:
        advice = "Look whether the proxy runs, if this machine is to reach it by its public address."
        return Finding("certificate", Health.WARNING, "nobody shows one at the public address", advice)
    text = f"good for {left.days} more days"
    if left < SHORT_CERTIFICATE:
        advice = "What renews it has failed: look at the log of Caddy, or at `certbot renew`."
        return Finding("certificate", Health.WARNING, text, advice)
    return Finding("certificate", Health.GOOD, text)
