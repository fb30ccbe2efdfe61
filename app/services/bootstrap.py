"""The registry: which domain reacts to what, and what one process is made of."""

import asyncio
from collections.abc import Mapping, Sequence

from app.core import logging
from app.core.clock import Clock
from app.core.config import Settings
from app.core.database.doorbell import Doorbell
from app.core.database.engine import Database
from app.core.database.migrations import migrate
from app.core.documents import Doc
from app.core.jobs import JobKind
from app.core.sealing import Sealer
from app.core.telemetry import Telemetry
from app.core.unit_of_work import Reaction, Writers
from app.models import DOCUMENTS, ENTITIES
from app.models.migrations import MIGRATIONS
from app.services.access import Access
from app.services.accounts import AccountEngine
from app.services.audit import AuditEngine, AuditFollower
from app.services.auth import AuthEngine
from app.services.avatars import AvatarEngine
from app.services.backups import refuse_unfinished
from app.services.confirmations import ConfirmationEngine
from app.services.email_changes import EmailChangeEngine
from app.services.factors import FactorEngine
from app.services.grants.handlers import drop_grants, drop_grants_of_member
from app.services.identities import IdentityEngine
from app.services.imports import ImportJobs
from app.services.invitations import Acceptances, Issues
from app.services.invitations.handlers import revoke_invitations
from app.services.jobs import Duty, JobEngine, Worker
from app.services.limits import Leases, LimitEngine
from app.services.links import VisitEngine
from app.services.mail import MailEngine
from app.services.memberships import Departures, GroupMemberships
from app.services.merges import MergeEngine
from app.services.metrics import MetricsEngine
from app.services.passkeys import PasskeyEngine
from app.services.password_resets import PasswordResetEngine
from app.services.projects.handlers import pass_leads_on
from app.services.registrations import RegistrationEngine
from app.services.sessions import SessionEngine
from app.services.sessions.jobs import LastUses
from app.services.sync import SyncEngine
from app.services.tasks.handlers import detach_label, detach_team, keep_used_status
from app.services.teams.handlers import leave_teams
from app.services.tokens import TokenEngine
from app.services.users import UserEngine

# With what `pastis serve` waits for requests and for the embedded database this keeps Ctrl-C under five.
FINISH_SECONDS = 1.25
RETENTION_SECONDS = 3600.0

logger = logging.get_logger(__name__)

REACTIONS: Mapping[tuple[str, str], Sequence[Reaction]] = {
    ("label", "delete"): (detach_label,),
    ("membership", "update"): (drop_grants_of_member, leave_teams, pass_leads_on, revoke_invitations),
    ("status", "delete"): (keep_used_status,),
    ("team", "delete"): (drop_grants, detach_team),
}


class Services:
    """The engines that live as long as the process; those of a workspace are made for each request."""

    def __init__(
        self,
        settings: Settings,
        database: Database,
        secret: bytes,
        clock: Clock,
        telemetry: Telemetry | None = None,
    ) -> None:
        self.settings = settings
        self.database = database
        self.secret = secret
        self.clock = clock
        self.secrets = [secret, *(one.get_secret_value().encode() for one in settings.former_secrets)]
        telemetry = telemetry or Telemetry()
        self.writers = Writers(database, clock, ENTITIES, REACTIONS, telemetry)
        self.access = Access(database, self.writers, clock, secret)
        self.limits = LimitEngine(database, self.secrets)
        self.login_leases = _leases(database, "login", settings.rate_limit_per_minute)
        self.address_leases = _leases(database, "address", settings.anonymous_rate_limit_per_minute)
        self.audit = AuditEngine(database, settings, clock, secret)
        self.audit_follower = AuditFollower(database, self.writers, self.audit)
        self.jobs = JobEngine(database, telemetry)
        self.mail = MailEngine(self.jobs, settings, Sealer(self.secrets, "mail"), clock)
        self.sync = SyncEngine(database, self.writers, self.access, clock, settings)
        self.doorbell = Doorbell(database, [*self.access.rings(), *self.sync.rings()])
        self.imports = ImportJobs(self.audit)
        self.metrics = MetricsEngine(telemetry, database, self.writers, self.sync, self.jobs, settings)
        self._make_logins(settings, database, clock)
        self.last_uses = LastUses(self.sessions.note_uses, clock)
        self.token_uses = LastUses(self.tokens.note_uses, clock)
        self._make_accounts(settings, database, clock)
        self.merges = MergeEngine(database, self.writers, self.jobs)
        self.worker = Worker(self.jobs, self._duties(), (self.accounts.resume, self.merges.resume))
        self._prepared = asyncio.Event()

    def _make_logins(self, settings: Settings, database: Database, clock: Clock) -> None:
        """What proves who somebody is, and keeps it."""
        self.users = UserEngine(database, clock)
        self.sessions = SessionEngine(database, self.access, settings, self.secrets, clock, self.audit)
        self.tokens = TokenEngine(database, self.access, settings, clock, self.audit)
        self.visits = VisitEngine(database, self.secrets, clock, self.limits, self.audit)
        self.confirmations = ConfirmationEngine(database, settings, clock)
        self.passkeys = PasskeyEngine(database, settings, clock)
        self.factors = FactorEngine(
            database,
            self.sessions,
            self.tokens,
            self.passkeys,
            Sealer(self.secrets, "totp"),
            clock,
            self.audit,
        )
        self.auth = AuthEngine(
            self.users,
            self.sessions,
            self.tokens,
            self.factors,
            self.passkeys,
            self.confirmations,
            self.mail,
            self.limits,
            self.audit,
        )
        self.identities = IdentityEngine(
            database,
            self.users,
            self.auth,
            GroupMemberships(database, self.writers),
            settings,
            self.secret,
            clock,
            self.audit,
        )

    def _make_accounts(self, settings: Settings, database: Database, clock: Clock) -> None:
        """What becomes of accounts: made, changed, left."""
        guards = (self.limits, self.audit)
        self.issues = Issues(database, settings, self.users, self.mail, self.limits)
        self.acceptances = Acceptances(database, self.users, clock)
        self.registrations = RegistrationEngine(
            settings, self.users, self.confirmations, self.acceptances, self.mail, self.auth, *guards
        )
        self.password_resets = PasswordResetEngine(
            self.users, self.auth, self.confirmations, self.mail, *guards
        )
        self.email_changes = EmailChangeEngine(
            self.access, self.users, self.confirmations, self.mail, *guards
        )
        self.avatars = AvatarEngine(database, self.users, clock)
        erasers = (
            self.acceptances.erase,
            self.avatars.erase,
            self.confirmations.end_all,
            self.factors.remove_all,
            self.identities.erase,
            self.jobs.erase,
            self.sessions.end_all,
            self.tokens.erase,
        )
        departures = Departures(database, self.writers)
        self.accounts = AccountEngine(
            self.users, self.sessions, departures, erasers, self.jobs, clock, self.audit
        )

    def _duties(self) -> Mapping[JobKind, Duty]:
        """What is done for each kind of job."""
        duties = {
            JobKind.DELETION: Duty(self.accounts.finish),
            JobKind.MERGE: Duty(self.merges.finish),
            JobKind.RETENTION: Duty(self._shorten, every=RETENTION_SECONDS),
        }
        if self.mail.has_a_way:
            duties[JobKind.MAIL] = Duty(self.mail.deliver)
        return duties

    async def _shorten(self, _: Doc) -> None:
        """Delete what is older than the settings want it."""
        await self.audit.shorten()
        await self.tokens.forget_addresses()

    async def prepare(self) -> None:
        """Bring the database to what this version needs; safe to run by several processes at once.

        Raises UnfinishedRestoreError where it has been restored in part.
        """
        await refuse_unfinished(self.database)
        await migrate(self.database, MIGRATIONS, self.clock)
        await self.database.create_indexes(DOCUMENTS)
        self._prepared.set()

    def start(self) -> None:
        """Begin what a serving process does beside its requests, once the database has been made ready."""
        self.doorbell.start()
        self.last_uses.start()
        self.token_uses.start()
        self.audit_follower.start()
        if self.settings.worker:
            self.start_worker()
        self.sync.start(self.doorbell.listening.is_set)

    def start_worker(self) -> None:
        """Begin to do jobs, in a serving process or in one that does nothing else."""
        if not self.mail.has_a_way:
            logger.warning("PASTIS_SMTP_HOST is not set: mails wait in the database")
        self.worker.start()

    @property
    def ready(self) -> bool:
        """Whether the database has been made ready; until then every request is told to come back."""
        return self._prepared.is_set()

    async def until_ready(self) -> None:
        """Wait until the database has been made ready."""
        await self._prepared.wait()

    async def close(self) -> None:
        """Interrupt imports, finish the commits under way, note the last uses, let go of the database.

        Commits that a dead database holds up are left: it takes them whole or not at all.
        """
        try:
            async with asyncio.timeout(FINISH_SECONDS):
                await self.sync.close()
                await self.doorbell.close()
                await self.worker.close()
                await self.imports.close()
                await self.writers.close()
                await self.identities.close()
                await self.last_uses.close()
                await self.token_uses.close()
                await self.audit_follower.close()
        except TimeoutError:
            logger.warning("commits under way were left", waited_seconds=FINISH_SECONDS)
        await self.database.close()


def _leases(database: Database, name: str, per_minute: int) -> Leases | None:
    return Leases(database, name, per_minute) if per_minute else None
