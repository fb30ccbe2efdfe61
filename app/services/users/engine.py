"""Accounts: made, found, changed. They belong to no workspace, so they are not in a log."""

from typing import Any

from app.core.clock import Clock
from app.core.database.engine import Database
from app.core.errors import already_exists, not_found
from app.core.security import hash_password
from app.models.users import Locale, User
from app.services.users import queries, rules
from app.utils.ids import new_id


class UserEngine:
    def __init__(self, database: Database, clock: Clock) -> None:
        self._database = database
        self._clock = clock

    async def create(
        self,
        email: str,
        display_name: str,
        password: str,
        *,
        time_zone: str = "UTC",
        locale: Locale | None = None,
    ) -> User:
        """Raises `validation_failed`, or `already_exists` where the address has an account."""
        rules.check_password(password, email)
        now = self._clock.now()
        user = User(
            id=new_id(),
            email=rules.normal_email(email),
            display_name=display_name,
            password_hash=await hash_password(password),
            time_zone=time_zone,
            locale=locale,
            created_at=now,
            updated_at=now,
        )
        if not await queries.insert(self._database, user):
            raise already_exists("account", "email")
        return user

    async def create_without_password(self, user_id: str, email: str, display_name: str) -> User | None:
        """An account whose owner logs in elsewhere; None where its id or address is taken."""
        now = self._clock.now()
        user = User(
            id=user_id,
            email=rules.normal_email(email),
            display_name=display_name,
            created_at=now,
            updated_at=now,
        )
        return user if await queries.insert(self._database, user) else None

    async def find(self, user_id: str) -> User | None:
        return await queries.find(self._database, user_id)

    async def get(self, user_id: str) -> User:
        user = await self.find(user_id)
        if user is None:
            raise not_found("account")
        return user

    async def find_by_email(self, email: str) -> User | None:
        return await queries.find_by_email(self._database, email.strip().lower())

    async def update(self, user_id: str, changes: dict[str, Any]) -> User:
        """Change the profile; a new `password` is hashed here. What changes nothing leaves no trace."""
        user = await self.get(user_id)
        if "password" in changes:
            rules.check_password(changes["password"], user.email)
            changes["password_hash"] = await hash_password(changes.pop("password"))
        if all(getattr(user, name) == value for name, value in changes.items()):
            return user
        await queries.update(self._database, user_id, {**changes, "updated_at": self._clock.now()})
        return await self.get(user_id)

    async def change_email(self, user_id: str, email: str) -> User | None:
        """The account as it was before; None where it is not active, or another one has the address."""
        return await queries.change_email(self._database, user_id, email, self._clock.now())

    async def being_deleted(self) -> list[User]:
        """The accounts whose deletion has begun and not ended."""
        return await queries.being_deleted(self._database)

    async def note_erased(self, user_id: str, membership_id: str) -> None:
        """Remember a membership that is about to lose the account: nothing else leads to it any more."""
        await queries.note_erased(self._database, user_id, membership_id)

    async def take_note_back(self, user_id: str, membership_id: str) -> None:
        await queries.take_note_back(self._database, user_id, membership_id)

    async def delete(self, user_id: str) -> None:
        await queries.delete(self._database, user_id)

    async def any_exists(self) -> bool:
        return await queries.any_exists(self._database)

    async def list_all(self) -> list[User]:
        return await queries.list_all(self._database)
