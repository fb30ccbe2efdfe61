"""Where a server's time goes: a thread looks at its main thread now and then, and counts what it sees."""

import atexit
import sys
import threading
import time
from collections import Counter
from pathlib import Path
from types import FrameType

EVERY_SECONDS = 0.003
SHOWN = 40


def start(path: Path) -> None:
    """Sample this process until it ends, and write what was seen then."""
    main = threading.get_ident()
    own: Counter[str] = Counter()
    under: Counter[str] = Counter()

    def sample() -> None:
        while True:
            time.sleep(EVERY_SECONDS)
            frame = sys._current_frames().get(main)  # noqa: SLF001 - there is no other way
            names = list(_names(frame))
            own.update(names[:1])
            under.update(set(names))

    def write() -> None:
        total = max(1, own.total())
        lines = [f"{total} samples"]
        for title, counted in (("itself", own), ("with what it calls", under)):
            lines.append(f"\n{title}")
            lines += [f"{count / total:7.1%}  {name}" for name, count in counted.most_common(SHOWN)]
        path.write_text("\n".join(lines) + "\n")

    # Else the thread would wait for the main one to let go, and see only where it does.
    sys.setswitchinterval(0.0001)
    threading.Thread(target=sample, daemon=True).start()
    atexit.register(write)


def _names(frame: FrameType | None) -> "list[str]":
    found = []
    while frame is not None:
        code = frame.f_code
        found.append(f"{'/'.join(code.co_filename.split('/')[-3:])}:{code.co_qualname}")
        frame = frame.f_back
    return found
