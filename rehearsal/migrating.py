"""Makes a database ready for this version, as `pastis serve` does, and is killed after so many writes.

It says how many there were, if it comes to that.
"""

import argparse
import asyncio

from pydantic import SecretStr

from app.core.clock import Clock
from app.core.config import Settings
from app.services.bootstrap import Services
from rehearsal.deaths import Death, Sigkill, mortal


async def prepare(url: str, name: str, death: Death) -> int:
    """How many writes it took."""
    settings = Settings(database_url=SecretStr(url), database_name=name, _env_file=None)
    async with mortal(url, name, death) as database:
        await Services(settings, database, b"nothing is signed here", Clock()).prepare()
        return death.writes


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("url")
    parser.add_argument("name")
    parser.add_argument("--after", type=int, help="how many writes are answered before the kill")
    arguments = parser.parse_args()
    print(asyncio.run(prepare(arguments.url, arguments.name, Sigkill(arguments.after))))


if __name__ == "__main__":
    main()
