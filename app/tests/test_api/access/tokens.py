"""Everything that makes and ends API tokens, of people and of service accounts."""

from datetime import timedelta
from typing import Any

from app.tests.test_api.access.oracle import TOKEN_LIFE, Account, ApiToken, Caller, Login, Member
from app.tests.test_api.access.play import Play
from app.tests.test_api.access.questions import FINE, Refusals
from app.tests.test_api.access.tables import EVERYTHING, narrowed_to

MOST_TOKENS = 12
SCOPES = (
    *("*:*", "*:*", "*:read", "task:*", "comment:*", "*:create", "*:update", "membership:*"),
    "project:read",
)


def _body(play: Play) -> dict[str, Any]:
    """A token for everything or for some of it, which ends by itself in an hour or in its time."""
    chance = play.choose.chance
    scopes = {chance.choice(SCOPES), chance.choice(sorted(EVERYTHING))} if play.choose.often(0.6) else {"*:*"}
    body: dict[str, Any] = {"name": "Nightly report", "scopes": sorted(scopes)}
    if play.choose.often(0.3):
        body["expires_at"] = (play.oracle.now + timedelta(hours=1)).isoformat()
    return body


def _keep(play: Play, body: dict[str, Any], told: Any, account: Account | None, member: str | None) -> None:
    life = timedelta(hours=1) if "expires_at" in body else TOKEN_LIFE
    ends = play.oracle.now + life
    token = ApiToken(told["id"], told["token"], account, member, narrowed_to(body["scopes"]), ends)
    play.oracle.tokens.append(token)


def _living(play: Play) -> list[ApiToken]:
    return [one for one in play.oracle.tokens if play.oracle.caller_of(one.access)]


async def create_my_token(play: Play) -> bool:
    """With a login that was proven lately; no token makes tokens."""
    caller = play.choose.one(play.living_callers())
    if caller is None or caller.account is None or len(_living(play)) >= MOST_TOKENS:
        return False
    recent = isinstance(caller, Login) and play.oracle.is_recent(caller)
    body = _body(play)
    refusals = FINE if recent else frozenset({403})
    answer = await play.expect("create_my_token", refusals, "POST", "/me/tokens", caller.access, json=body)
    if answer.is_success:
        _keep(play, body, answer.json(), caller.account, None)
    return True


async def delete_my_token(play: Play) -> bool:
    """One's own, or somebody else's, which is not there."""
    caller, token = play.choose.one(play.living_callers()), play.choose.one(play.oracle.tokens)
    if caller is None or token is None:
        return False
    own = token.account is not None and token.account is caller.account and not token.over
    refusals = FINE if own else frozenset({404})
    refusals = refusals if isinstance(caller, Login) else frozenset({403})
    answer = await play.expect("delete_my_token", refusals, "DELETE", f"/me/tokens/{token.id}", caller.access)
    token.over = token.over or answer.is_success
    return True


def _judge(play: Play, caller: Caller, member: Member, permission: str, *, recent: bool) -> Refusals:
    """Admins look after the tokens of service accounts whose roles they may give."""
    oracle = play.oracle
    actor = oracle.enter(caller, member.workspace)
    if actor is None:
        return frozenset({404})
    if permission not in oracle.own(actor):
        return frozenset({403})
    if recent and not (isinstance(caller, Login) and oracle.is_recent(caller)):
        return frozenset({403})
    if not member.service or member.removed:
        return frozenset({404})
    return FINE if oracle.may_manage(actor, member.role) else frozenset({403})


async def create_service_token(play: Play) -> bool:
    oracle, choose = play.oracle, play.choose
    services = [one for one in oracle.members.values() if one.service]
    member = choose.one(services if services and choose.often(0.9) else oracle.members.values())
    callers = play.living_callers()
    if member is None or not callers or len(_living(play)) >= MOST_TOKENS:
        return False
    choose.chance.shuffle(callers)
    if choose.often(0.7):
        callers.sort(key=lambda one: bool(_judge(play, one, member, "token:create", recent=True)))
    caller, body = callers[0], _body(play)
    path = f"/workspaces/{member.workspace}/memberships/{member.id}/tokens"
    refusals = _judge(play, caller, member, "token:create", recent=True)
    answer = await play.expect("create_service_token", refusals, "POST", path, caller.access, json=body)
    if answer.is_success:
        _keep(play, body, answer.json(), None, member.id)
    return True


async def delete_service_token(play: Play) -> bool:
    oracle = play.oracle
    token = play.choose.one(one for one in oracle.tokens if one.member is not None)
    caller = play.choose.one(play.living_callers())
    if token is None or token.member is None or caller is None:
        return False
    member = oracle.members[token.member]
    refusals = _judge(play, caller, member, "token:delete", recent=False)
    refusals = refusals or (frozenset({404}) if token.over else FINE)
    path = f"/workspaces/{member.workspace}/memberships/{member.id}/tokens/{token.id}"
    answer = await play.expect("delete_service_token", refusals, "DELETE", path, caller.access)
    token.over = token.over or answer.is_success
    return True
