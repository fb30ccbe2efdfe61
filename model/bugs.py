"""What is broken on purpose, so that it is known that the model would show it."""

from enum import Enum


class Bug(Enum):
    """Each has the words that it is told by."""

    OUTSIDE = "the head's number is moved outside of the transaction"
    LOCK = "the head is moved without asking whether it is still the same"
    RECORD = "the answer to repeat is recorded outside of the transaction"
    EARLY_ANSWER = "a write is answered before the majority has it"
    EARLY_REPEAT = "a repeated write is answered from a record that the majority lacks"
    MEMORY = "what a lost transaction left is still decided upon"
    DIRTY = "the hub reads what the majority lacks"
    ORDER = "the hub publishes what it is told, whatever came before"
    BELL = "the hub trusts the doorbell and never looks by itself"
    HUB_FLOOR = "the hub fills a gap without looking at the floor"
    LAG = "a hub that lags behind the cursor answers with its own number"
    FLOOR = "the floor is not looked at again where the log is read"
    HALVES = "compaction deletes events first, and moves the floor in another transaction"
    TOMBS = "compaction leaves no tombstones"
    MOVED = "tombstones tell of deletions alone, not of what has left a project"
    START = "the client does not compare a frame's start with its number"
    OVERLAP = "the client drops a frame that begins before its number and ends behind it"
    EPOCH = "nobody compares epochs"
    EARLY_RIGHTS = "catching up goes by rights that were read before"
    VIEW = "a stream keeps the rights that it began with"
    NO_REBASE = "catching up does not compare the cursor's digest with the rights"
    MOVE = "a document that moves out of sight is not purged"
    PATCH = "a document that has come in sight is sent as a change of what the client lacks"
    MOMENTS = "a snapshot's number and its documents are read at two moments"
