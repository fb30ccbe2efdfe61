"""Everything that opens, renews and ends logins, as steps of a play."""

from typing import Any

from app.tests.support.clients import Answer, ok
from app.tests.support.factories import PASSWORD, make_user
from app.tests.test_api.access.oracle import Account, Caller, Login, Member
from app.tests.test_api.access.play import NOBODY, Play
from app.tests.test_api.access.questions import FINE, Refusals

MOST_ACCOUNTS = 10
MOST_LOGINS = 14
MOST_WRONG = 4
"""Wrong passwords for one account, of which ten are let through."""
PAUSES = (*(20, 20, 45, 62, 62, 120), *(300, 601, 601, 901, 901, 1800), *(43_201, 2_592_001))
"""Seconds: about the grace, the freshness of a login, the life of an access token and of logins."""


def _email(account: Account) -> dict[str, str]:
    return {"email": account.email}


def _fine(answer: Answer) -> bool:
    return answer.is_success


async def create_account(play: Play) -> bool:
    if len(play.oracle.accounts) >= MOST_ACCOUNTS:
        return False
    process = await play.wire.process(play.choose.chance.randrange(2))
    word = play.canaries.new()
    user = await make_user(process.services, word)
    play.oracle.accounts[user.id] = Account(user.id, user.email, PASSWORD)
    play.canaries.of[word] = ("account", user.id)
    return True


async def log_in(play: Play) -> bool:
    """Mostly without a password, which takes long on purpose."""
    account = play.choose.one(play.oracle.accounts.values())
    if account is None or len(play.living()) >= MOST_LOGINS:
        return False
    remember = play.choose.often(0.5)
    if play.choose.often(0.3) or not account.active:
        return await _log_in_by_password(play, account, remember=remember)
    process = await play.wire.process(play.choose.chance.randrange(2))
    tokens = await process.services.sessions.open(account.id, remember_me=remember, client="tests")
    await opened(play, account, tokens.access_token, tokens.refresh_token, remember=remember)
    return True


async def _log_in_by_password(play: Play, account: Account, *, remember: bool) -> bool:
    if account.wrong >= MOST_WRONG and not account.active:
        return False
    wrong = account.wrong < MOST_WRONG and play.choose.often(0.2)
    account.wrong += wrong or not account.active
    password = account.password + ("?" if wrong else "")
    refusals = frozenset({401}) if wrong or not account.active else frozenset()
    body = {**_email(account), "password": password, "remember_me": remember}
    answer = await play.expect("log_in", refusals, "POST", "/auth/login", json=body, token=None)
    if _fine(answer):
        told = answer.json()
        await opened(play, account, told["access_token"], told["refresh_token"], remember=remember)
    return True


async def opened(play: Play, account: Account, access: str, refresh: str, *, remember: bool) -> Login:
    """The oracle knows the login, and its id by the list of them."""
    login = play.oracle.opened(account, access, refresh, remember=remember)
    items = await _list(play, login)
    login.id = next(one["id"] for one in items if one["current"])
    return login


async def _list(play: Play, login: Login) -> list[dict[str, Any]]:
    answer = await play.expect("list_sessions", frozenset(), "GET", "/me/sessions", login.access)
    items: list[dict[str, Any]] = ok(answer)["items"]
    return items


async def refresh(play: Play) -> bool:
    """With the newest token, as every client does; with a former one, as after a lost answer; with a copy."""
    oracle, choose = play.oracle, play.choose
    living = [one for one in oracle.logins if oracle.lives(one)]
    login = choose.one(living if living and choose.often(0.9) else oracle.logins)
    if login is None:
        return False
    last = len(login.tokens) - 1
    back = choose.chance.choices([0, 1, choose.chance.randint(0, last)], [6, 3, 1])[0]
    token = login.tokens[max(0, last - back)]
    outcome = oracle.refresh(login, token)
    refusals = frozenset({401}) if outcome in ("late", "ends") else frozenset()
    body = {"refresh_token": token}
    answer = await play.expect(f"refresh_{outcome}", refusals, "POST", "/auth/refresh", json=body, token=None)
    if outcome == "ends":
        login.over = True
    if outcome == "new":
        told = answer.json()
        play.need(told["refresh_token"] not in login.tokens, "a refresh gives a token that was there")
        former = login.former_access_ends
        oracle.rotated(login, told["access_token"], told["refresh_token"])
        if former is not None and oracle.now < former:
            play.wire.forget()  # the one of before the former one ends, which others know within a second
    if outcome == "same":
        told = answer.json()
        same = (told["access_token"], told["refresh_token"]) == (login.access, login.tokens[-1])
        play.need(same, "a refresh whose answer was lost gives other tokens")
    return True


async def refresh_living(play: Play) -> bool:
    """Renew all logins whose access token has ended, as clients do."""
    oracle = play.oracle
    for login in [one for one in oracle.logins if oracle.lives(one) and one not in play.living()]:
        body = {"refresh_token": login.tokens[-1]}
        answer = await play.expect("refresh_new", frozenset(), "POST", "/auth/refresh", json=body, token=None)
        oracle.rotated(login, answer.json()["access_token"], answer.json()["refresh_token"])
    return True


async def log_out(play: Play) -> bool:
    login = play.choose.one(play.living())
    if login is None:
        return False
    await play.expect("log_out", frozenset(), "POST", "/auth/logout", login.access)
    login.over = True
    return True


async def revoke(play: Play) -> bool:
    """End another login of one's own, or try somebody else's."""
    login, other = play.choose.one(play.living()), play.choose.one(play.oracle.logins)
    if login is None or other is None:
        return False
    own = play.oracle.lives(other) and other.account is login.account
    refusals = frozenset() if own else frozenset({404})
    await play.expect("revoke", refusals, "DELETE", f"/me/sessions/{other.id}", login.access)
    if own:
        other.over = True
    return True


async def revoke_others(play: Play) -> bool:
    login = play.choose.one(play.living())
    if login is None:
        return False
    await play.expect("revoke_others", frozenset(), "DELETE", "/me/sessions", login.access)
    play.oracle.end_logins(login.account, but=login)
    return True


async def change_password(play: Play) -> bool:
    login = play.choose.one(play.living())
    if login is None:
        return False
    account = login.account
    recent = play.oracle.is_recent(login)
    wrong = recent and account.wrong < MOST_WRONG and play.choose.often(0.2)
    account.wrong += wrong
    new = f"{PASSWORD} {play.choose.chance.randrange(10**6)}"
    body = {"current_password": account.password + ("?" if wrong else ""), "password": new}
    refusals = frozenset({401}) if wrong else frozenset() if recent else frozenset({403})
    answer = await play.expect("change_password", refusals, "PUT", "/me/password", login.access, json=body)
    if _fine(answer):
        account.password = new
        play.oracle.end_logins(account, but=login)
    return True


async def reset_password(play: Play) -> bool:
    """By an operator, which ends all logins, as the mailed link does."""
    account = play.choose.one(play.oracle.accounts.values())
    if account is None:
        return False
    process = await play.wire.process(play.choose.chance.randrange(2))
    account.password = f"{PASSWORD} {play.choose.chance.randrange(10**6)}"
    await process.services.auth.reset_password(account.email, account.password)
    play.wire.changed(process)
    play.oracle.end_logins(account)
    play.oracle.end_tokens(account)
    return True


async def reauthenticate(play: Play) -> bool:
    login = play.choose.one(play.living())
    if login is None:
        return False
    body = {"password": login.account.password}
    await play.expect("reauthenticate", frozenset(), "POST", "/auth/reauthenticate", login.access, json=body)
    login.proven_at = play.oracle.now
    return True


async def deactivate(play: Play) -> bool:
    """By oneself, who must have proven lately who one is, or by an operator."""
    login = play.choose.one(play.living())
    if login is None:
        return False
    if play.choose.often(0.7):
        refusals = _refusals_to_leave(play, login)
        answer = await play.expect("deactivate_me", refusals, "POST", "/me/deactivate", login.access)
        if not _fine(answer):
            return True
    else:
        await set_active(play, login.account, active=False)
    login.account.active = False
    play.oracle.end_logins(login.account)
    return True


async def activate(play: Play) -> bool:
    account = play.choose.one(one for one in play.oracle.accounts.values() if not one.active)
    if account is None:
        return False
    await set_active(play, account, active=True)
    account.active = True
    return True


async def set_active(play: Play, account: Account, *, active: bool) -> None:
    process = await play.wire.process(play.choose.chance.randrange(2))
    await process.services.auth.set_active(account.email, active=active)
    play.wire.changed(process)


async def delete_account(play: Play) -> bool:
    """What the person did stays, without a name; nobody is let in by it any more."""
    oracle, login = play.oracle, play.choose.one(play.living())
    if login is None or not play.choose.often(0.25):
        return False
    answer = await play.expect("delete_me", _refusals_to_leave(play, login), "DELETE", "/me", login.access)
    if _fine(answer):
        for member in _memberships(play, login):
            oracle.leave(member)
            member.account = None
        oracle.end_logins(login.account)
        oracle.end_tokens(login.account)
        del oracle.accounts[login.account.id]
    return True


def _refusals_to_leave(play: Play, login: Login) -> frozenset[int]:
    """Nobody goes who is needed as an owner, nor with an old login."""
    if not play.oracle.is_recent(login):
        return frozenset({403})
    needed = any(play.oracle.is_last_owner(one) for one in _memberships(play, login))
    return frozenset({409}) if needed else frozenset()


def _memberships(play: Play, login: Login) -> list[Member]:
    return [one for one in play.oracle.members.values() if one.account == login.account.id]


async def wait(play: Play) -> bool:
    play.forward(play.choose.chance.choice(PAUSES))
    play.trace.append(f"it is {play.oracle.now}")
    return True


async def look_at_account(play: Play) -> None:
    """What an account sees of itself, as anybody who ever had a token."""
    oracle, choose = play.oracle, play.choose
    token = choose.one([*(one.access for one in play.living_callers()), *play.tokens(), NOBODY, None])
    caller = oracle.caller_of(token)
    path = choose.chance.choice(["/me", "/me/sessions", "/me/tokens", "/workspaces"])
    answer = await play.expect(f"get {path}", _refusals(caller, path), "GET", path, token)
    if not _fine(answer) or caller is None or caller.account is None:
        return
    account = caller.account
    hidden = play.hidden(answer, lambda *thing: thing == ("account", account.id))
    play.need(not hidden, f"{path} tells {hidden}: {answer.text}")
    told = answer.json()
    if path == "/me":
        play.need(told["id"] == account.id, "a token is somebody else's")
        return
    wanted = {
        "/me/sessions": {one.id for one in oracle.logins if one.account is account and oracle.lives(one)},
        "/me/tokens": {
            one.id for one in oracle.tokens if one.account is account and oracle.caller_of(one.access)
        },
        "/workspaces": {one for one in oracle.workspaces if oracle.enter(caller, one)},
    }[path]
    play.need({one["id"] for one in told["items"]} == wanted, f"{path} differs from {wanted}: {answer.text}")


def _refusals(caller: Caller | None, path: str) -> Refusals:
    """A token says who its holder is and where; all else of an account takes a login."""
    if caller is None:
        return frozenset({401})
    told = isinstance(caller, Login) or (caller.account is not None and path in ("/me", "/workspaces"))
    return FINE if told else frozenset({403})
