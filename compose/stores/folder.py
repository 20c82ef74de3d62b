"""The data folder of one set of servers: what runs, on which ports, and one lock for each server."""

from __future__ import annotations

import fcntl
import json
import random
import shutil
import socket
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from .failure import Failure
from .process import Process

MARKER = ".chatd-servers"
# Below the range that systems give to outgoing connections: a killed server finds its port free again.
FREE_PORTS = range(12000, 20000)


def taken(port: int) -> bool:
    with socket.socket() as probe:
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind(("127.0.0.1", port))
        except OSError:
            return True
    return False


class Folder:
    """One set of servers. Nothing is deleted in a folder that this did not make."""

    def __init__(self, root: Path) -> None:
        self.root = root

    def create(self, kind: str) -> None:
        """Makes the folder one of ours; `kind` is local or docker and stays until it is wiped."""
        marker = self.root / MARKER
        if (
            not marker.exists()
            and self.root.exists()
            and any(entry.name[0] != "." for entry in self.root.iterdir())
        ):
            raise Failure(f"{self.root} holds other things: name an empty folder, or a new one, with --data")
        self.root.mkdir(parents=True, exist_ok=True)
        if not marker.exists():
            marker.write_text(kind + "\n")

    def must_be_ours(self) -> None:
        if self.kind() is None:
            raise Failure(f"{self.root} was not made by compose/servers: nothing is deleted")

    def kind(self) -> str | None:
        """local or docker; None when nothing was ever started here."""
        try:
            return (self.root / MARKER).read_text().strip()
        except OSError:
            return None

    @contextmanager
    def lock(self, name: str) -> Iterator[None]:
        """Calls about one server wait for each other; calls about different ones do not."""
        self.root.mkdir(parents=True, exist_ok=True)
        with open(self.root / f".{name}.lock", "w") as held:
            fcntl.flock(held, fcntl.LOCK_EX)
            yield

    def load(self, name: str) -> dict[str, Any]:
        try:
            state: dict[str, Any] = json.loads((self.root / f"{name}.json").read_text())
            return state
        except (OSError, ValueError):
            return {}

    def save(self, name: str, state: dict[str, Any]) -> None:
        part = self.root / f"{name}.json.part"
        part.write_text(json.dumps(state))
        part.replace(self.root / f"{name}.json")

    def process(self, name: str) -> Process | None:
        """The server, if the very process that was started still runs."""
        state = self.load(name)
        if "pid" not in state:
            return None
        process = Process(state["pid"], state["start"], state["boot"])
        return process if process.alive() else None

    def log(self, name: str) -> Path:
        return self.root / "logs" / f"{name}.log"

    def log_end(self, name: str, lines: int = 15) -> str:
        try:
            text = self.log(name).read_text(errors="replace")
        except OSError:
            return ""
        return "\n".join(line[:300] for line in text.splitlines()[-lines:])

    def ports(self, name: str, wanted: dict[str, int]) -> dict[str, int]:
        """Ports for a start: 0 is the one of last time, or a free one, and stays so for this folder."""
        with self.lock("ports"):
            others = (self.load(other.stem) for other in self.root.glob("*.json"))
            held = {port for other in others for port in other.get("ports", {}).values()}
            before, chosen = self.load(name).get("ports", {}), dict[str, int]()
            for what, port in wanted.items():
                port = port or before.get(what, 0)
                while port == 0 or (port in chosen.values()):
                    port = random.choice(FREE_PORTS)
                    if port in held or taken(port):
                        port = 0
                if taken(port):
                    raise Failure(
                        f"{name}: port {port} is taken by something else; --{name}-port 0 takes a free one"
                    )
                chosen[what] = port
            self.save(name, {**self.load(name), "ports": chosen})
            return chosen

    def remove(self, name: str) -> None:
        """Deletes what one server kept here."""
        shutil.rmtree(self.root / name, ignore_errors=True)
        for path in (self.root / f"{name}.json", self.log(name), self.log(name).with_suffix(".log.1")):
            path.unlink(missing_ok=True)
        if not any(self.root.glob("*.json")):
            shutil.rmtree(self.root / "logs", ignore_errors=True)
            (self.root / MARKER).unlink(missing_ok=True)
