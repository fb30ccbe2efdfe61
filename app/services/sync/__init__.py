"""Live and resumable: what happened in a workspace since a cursor, as far as one may see it."""

from app.services.sync.compaction import Compaction
from app.services.sync.engine import Opened, SyncEngine
from app.services.sync.feed import Feed
from app.services.sync.frames import Frame
from app.services.sync.reach import Wanted
from app.services.sync.rights import Viewer
from app.services.sync.rules import Cursor, read_cursor
from app.services.sync.snapshots import Snapshot
from app.services.sync.tickets import LIFE

__all__ = [
    "LIFE",
    "Compaction",
    "Cursor",
    "Feed",
    "Frame",
    "Opened",
    "Snapshot",
    "SyncEngine",
    "Viewer",
    "Wanted",
    "read_cursor",
]
