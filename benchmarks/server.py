"""Serves one of the applications of a benchmark on a port: `python -m benchmarks.server KIND PORT`."""

import contextlib
import json
import os
import sys
from importlib import import_module
from pathlib import Path
from typing import Any

import uvicorn

from app.commands.protocol import BoundedProtocol


def main() -> None:
    what, port = sys.argv[1], int(sys.argv[2])
    os.sched_setaffinity(0, {0})
    app: Any
    if what in ("bare", "naive", "plain"):
        app = import_module(f"benchmarks.{what}").app
    else:
        from app.core.config import Settings
        from app.core.logging import configure
        from app.main import create_app

        settings = Settings()
        configure(settings)
        app = create_app(settings)
        if what == "unguarded":
            from benchmarks.unguarded import without_guards

            app = without_guards(app)
    with contextlib.suppress(KeyboardInterrupt):
        uvicorn.run(
            app,
            host="127.0.0.1",
            port=port,
            loop="uvloop",
            http=BoundedProtocol if what in ("pastis", "unguarded") else "httptools",
            log_config=None,
            access_log=False,
            server_header=False,
            proxy_headers=False,
        )
    if what == "pastis":
        stats = app.state.services.writers.stats
        Path(os.environ["BENCH_STATS"]).write_text(
            json.dumps(
                {"commands": stats.commands, "transactions": stats.transactions, "retries": stats.retries}
            )
        )


if __name__ == "__main__":
    main()
