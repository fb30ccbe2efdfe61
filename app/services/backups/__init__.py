"""Backups: everything as files, by the logs, and everything back from them."""

from app.services.backups.archive import Archive
from app.services.backups.engine import BackupEngine, Made
from app.services.backups.envelope import BackupError
from app.services.backups.restores import Restored, RestoreEngine, UnfinishedRestoreError, refuse_unfinished
from app.services.backups.rules import wanted
from app.services.backups.stores import store_at
from app.services.backups.verifying import Verified, verify_all

__all__ = [
    "Archive",
    "BackupEngine",
    "BackupError",
    "Made",
    "RestoreEngine",
    "Restored",
    "UnfinishedRestoreError",
    "Verified",
    "refuse_unfinished",
    "store_at",
    "verify_all",
    "wanted",
]
