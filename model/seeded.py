"""Where each bug shows, and which property it breaks."""

from model import properties, worlds
from model.bugs import Bug
from model.worlds import World

SEEDED: dict[Bug, tuple[World, str]] = {
    Bug.OUTSIDE: (worlds.WRITERS, properties.GAPLESS),
    Bug.LOCK: (worlds.WRITERS, properties.FOLLOWS),
    Bug.RECORD: (worlds.FAIL_OVER, properties.ONCE),
    Bug.EARLY_ANSWER: (worlds.WRITERS, properties.KEPT),
    Bug.EARLY_REPEAT: (worlds.WRITERS, properties.KEPT),
    Bug.MEMORY: (worlds.WRITERS, properties.KEPT),
    Bug.DIRTY: (worlds.FAIL_OVER, properties.REPLAY),
    Bug.ORDER: (worlds.HUBS, properties.REPLAY),
    Bug.BELL: (worlds.HUBS, properties.ARRIVES),
    Bug.HUB_FLOOR: (worlds.HUBS, properties.REPLAY),
    Bug.LAG: (worlds.HUBS, properties.ONWARD),
    Bug.FLOOR: (worlds.COMPACTION, properties.REPLAY),
    Bug.HALVES: (worlds.COMPACTION, properties.GAPLESS),
    Bug.TOMBS: (worlds.COMPACTION, properties.REPLAY),
    Bug.MOVED: (worlds.GRANT, properties.SECRET),
    Bug.START: (worlds.RESTORE, properties.ONWARD),
    Bug.OVERLAP: (worlds.RESTORE, properties.ARRIVES),
    Bug.EPOCH: (worlds.RESTORE, properties.ARRIVES),
    Bug.EARLY_RIGHTS: (worlds.REVOKE, properties.SECRET),
    Bug.VIEW: (worlds.REVOKE, properties.SECRET),
    Bug.NO_REBASE: (worlds.REVOKE, properties.SECRET),
    Bug.MOVE: (worlds.REVOKE, properties.SECRET),
    Bug.PATCH: (worlds.GRANT, properties.REPLAY),
    Bug.MOMENTS: (worlds.RESTORE, properties.REPLAY),
}
