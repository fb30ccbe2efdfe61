"""Token buckets, and how many attempts each verifier allows. Pure.

A bucket holds at most `capacity` tokens and gets `per_second` back. So within any t seconds it gives out at
most capacity + per_second * t. Several buckets over one attempt make a backoff: the small one refills soon,
the large one slowly.
"""

import hashlib
import math
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from enum import StrEnum
from ipaddress import ip_network

MINUTE, HOUR = 60.0, 3600.0


@dataclass(frozen=True, slots=True)
class Rate:
    capacity: float
    per_second: float

    def seconds_until(self, tokens: float, wanted: float) -> float:
        """How long until so many are there."""
        return max(0.0, (wanted - tokens) / self.per_second)


@dataclass(frozen=True, slots=True)
class Level:
    """How many tokens a bucket held at a time, in seconds."""

    tokens: float
    at: float


def take(rate: Rate, level: Level | None, now: float, wanted: int) -> tuple[Level, int]:
    """What is left and how many whole tokens were given, at most those wanted; a new bucket is full.

    A clock that was turned back fills nothing.
    """
    before = level or Level(rate.capacity, now)
    at = max(before.at, now)
    tokens = min(rate.capacity, before.tokens + (at - before.at) * rate.per_second)
    taken = min(wanted, max(0, math.floor(tokens)))
    return Level(tokens - taken, at), taken


class Purpose(StrEnum):
    """What is verified or asked for; each has buckets of its own."""

    EMAIL_CHANGE = "email_change"
    FACTOR = "factor"
    INVITATION = "invitation"
    INVITED = "invited"
    LINK_PASSWORD = "link_password"  # noqa: S105 - a purpose, no password
    LOGIN = "login"
    PASSWORD_CHANGE = "password_change"  # noqa: S105
    PASSWORD_RESET = "password_reset"  # noqa: S105
    REAUTHENTICATION = "reauthentication"
    REGISTRATION = "registration"


class By(StrEnum):
    """What a bucket is for. A device that the account knows has one of its own in the place of all others."""

    ACCOUNT = "account"
    NETWORK = "network"
    PAIR = "pair"


@dataclass(frozen=True, slots=True)
class Limit:
    by: By
    rate: Rate


# A person mistypes a few times; whoever goes on waits a minute for each attempt, then half an hour.
_PAIR = (Limit(By.PAIR, Rate(10, 1 / MINUTE)), Limit(By.PAIR, Rate(30, 2 / HOUR)))
# An office behind one address; successes are given back.
_NETWORK = Limit(By.NETWORK, Rate(100, 10 / MINUTE))
_PASSWORDS = (*_PAIR, _NETWORK, Limit(By.ACCOUNT, Rate(100, 12 / HOUR)))
# Six digits are guessed sooner: at most 68 a day from everywhere, for a chance of one in five thousand.
_CODES = (
    Limit(By.PAIR, Rate(5, 1 / MINUTE)),
    Limit(By.PAIR, Rate(10, 1 / HOUR)),
    _NETWORK,
    Limit(By.ACCOUNT, Rate(20, 2 / HOUR)),
)
# Each sends a mail, to somebody who perhaps never asked for one.
_MAILS = (Limit(By.ACCOUNT, Rate(5, 3 / HOUR)), Limit(By.NETWORK, Rate(30, 1 / MINUTE)))

# Of who invites, and of a workspace however many invite; who is invited gets few.
_INVITATIONS = (Limit(By.ACCOUNT, Rate(100, 20 / HOUR)), Limit(By.NETWORK, Rate(400, 2 / MINUTE)))
_INVITED = (Limit(By.ACCOUNT, Rate(5, 3 / HOUR)), Limit(By.NETWORK, Rate(200, 1 / MINUTE)))

LIMITS: Mapping[Purpose, tuple[Limit, ...]] = {
    Purpose.EMAIL_CHANGE: _MAILS,
    Purpose.FACTOR: _CODES,
    Purpose.INVITATION: _INVITATIONS,
    Purpose.INVITED: _INVITED,
    Purpose.LINK_PASSWORD: _PASSWORDS,
    Purpose.LOGIN: _PASSWORDS,
    Purpose.PASSWORD_CHANGE: _PASSWORDS,
    Purpose.PASSWORD_RESET: _MAILS,
    Purpose.REAUTHENTICATION: _PASSWORDS,
    Purpose.REGISTRATION: _MAILS,
}


def buckets(
    purpose: Purpose, account: str, address: str | None, device: str | None
) -> Iterator[tuple[str, Rate]]:
    """The ids and rates of the buckets that an attempt takes from.

    `device` names one that the account knows. Attempts from elsewhere cannot empty its bucket, so that
    nobody is locked out by an attacker, and it has no more attempts than an attacker's network.
    """
    network = network_of(address)
    parts = {By.ACCOUNT: [account], By.NETWORK: [network], By.PAIR: [account, network]}
    for number, limit in enumerate(LIMITS[purpose]):
        if device is None:
            yield bucket_id(purpose, str(number), limit.by, *parts[limit.by]), limit.rate
        elif limit.by is By.PAIR:
            yield bucket_id(purpose, str(number), "device", account, device), limit.rate


def network_of(address: str | None) -> str:
    """Whoever has one address of a /24, or of a /64, may well have its neighbours too."""
    try:
        return str(ip_network(f"{address}/{64 if ':' in str(address) else 24}", strict=False))
    except ValueError:
        return str(address)


def normal(account: str) -> str:
    """An address in any case, with any space around it, is the same account."""
    return account.strip().lower()


def bucket_id(*parts: str) -> str:
    return hashlib.sha256("\0".join(parts).encode()).hexdigest()[:32]
