"""Redis: the system's, or the package manager's."""

from __future__ import annotations

import shutil
import signal

from . import health, packages
from .failure import Failure
from .settings import Launch, Place, Settings

# The same program under several names: what it is called decides what it does.
PROGRAMS = ("redis-server", "valkey-server", "redis-check-rdb")


class Redis:
    name = "redis"
    port = 6379
    inner_ports: tuple[str, ...] = ()
    stop = signal.SIGTERM

    def install(self, settings: Settings) -> None:
        program()

    def launch(self, place: Place) -> Launch:
        options = {
            "bind": "127.0.0.1",
            "port": place.ports["client"],
            "dir": place.home,
            "save": "",
            "appendonly": "yes",
            "appendfsync": "everysec",
            "maxmemory": f"{place.settings.heap_mb.get(self.name, 256)}mb",
            "maxmemory-policy": "noeviction",
        }
        words = [str(word) for key, value in options.items() for word in (f"--{key}", value)]
        return Launch(["redis-server", *words], cwd=place.home, executable=program())

    def healthy(self, port: int) -> bool:
        return health.redis(port)

    def url(self, port: int) -> str:
        return f"redis://127.0.0.1:{port}"

    def wipe(self, settings: Settings) -> None:
        pass


def program() -> str:
    """Its file, installed where it is missing."""
    for attempt in (1, 2):
        for name in PROGRAMS:
            if found := shutil.which(name):
                return found
        if attempt == 1:
            packages.install("redis")
    raise Failure("no redis-server found: install Redis 6.2 or newer")
