"""What a caller chose for a set of servers, and what each kind of server must tell."""

from __future__ import annotations

import signal
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any, Protocol

NAMES = ("kafka", "cassandra", "postgres", "redis")


@dataclass(frozen=True)
class Settings:
    """The options of a call."""

    data: Path
    downloads: Path
    # Unset, these are as they were at the last start, else test and periodic. test starts fast and may lose the
    # last moments in a power cut; load is tuned as in production.
    profile: str | None = None
    cassandra_sync: str | None = None
    ports: dict[str, int] = field(default_factory=dict)
    heap_mb: dict[str, int] = field(default_factory=dict)
    start_s: float = 180.0
    stop_s: float = 90.0

    def load(self) -> bool:
        return self.profile == "load"

    def resumed(self, name: str, before: dict[str, Any]) -> Settings:
        """With what one server was last started with, as far as nothing else is asked for."""
        heap_mb = self.heap_mb.get(name, before.get("heap_mb"))
        return replace(
            self,
            profile=self.profile or before.get("profile", "test"),
            cassandra_sync=self.cassandra_sync or before.get("cassandra_sync", "periodic"),
            heap_mb={} if heap_mb is None else {name: heap_mb},
        )

    def kept(self, name: str) -> dict[str, Any]:
        """What `resumed` needs of it the next time."""
        return {
            "profile": self.profile,
            "cassandra_sync": self.cassandra_sync,
            "heap_mb": self.heap_mb.get(name),
        }


@dataclass(frozen=True)
class Place:
    """Where one server lives."""

    home: Path
    ports: dict[str, int]
    settings: Settings


@dataclass(frozen=True)
class Launch:
    """How one server is started."""

    argv: list[str]
    cwd: Path
    user: str | None = None
    # The program's file, where it is not what argv says.
    executable: str | None = None


class Server(Protocol):
    """One kind of server."""

    name: str
    port: int
    # Ports beside the one for clients.
    inner_ports: tuple[str, ...]
    # What asks it to end in order.
    stop: signal.Signals

    def install(self, settings: Settings) -> None:
        """Makes sure that its programs are there."""

    def launch(self, place: Place) -> Launch:
        """Writes its configuration, makes its store at the first start, and says how to start it."""

    def healthy(self, port: int) -> bool:
        """Whether it answers in its own protocol. Any error of the connection means no."""

    def url(self, port: int) -> str:
        """The URL that chatd takes."""

    def wipe(self, settings: Settings) -> None:
        """Deletes what it keeps outside the data folder."""
