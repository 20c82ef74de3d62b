"""The four servers as processes of this machine."""

from __future__ import annotations

import signal
import time
from dataclasses import asdict
from typing import Any

from .cassandra import Cassandra
from .failure import Failure, say
from .folder import Folder
from .kafka import Kafka
from .postgres import Postgres
from .process import Process, spawn, wait_gone
from .redis import Redis
from .settings import Place, Server, Settings

SERVERS: dict[str, Server] = {server.name: server for server in (Kafka(), Cassandra(), Postgres(), Redis())}
LOG_BYTES = 8 << 20
LOOK_S = 0.1
CRASH_S = 10.0


class Local:
    """What can be done to a set of servers; every call may be made by several at once."""

    kind = "local"

    def __init__(self, settings: Settings) -> None:
        self.settings = settings
        self.folder = Folder(settings.data)

    def install(self, names: list[str]) -> None:
        """Makes sure that their programs are there; folders share them."""
        with Folder(self.settings.downloads).lock("install"):
            for name in names:
                SERVERS[name].install(self.settings)

    def up(self, names: list[str]) -> None:
        """Starts what does not run, all at once, and waits until each answers."""
        self.install(names)
        self.folder.create(self.kind)
        began = {name: self.start(name) for name in names}
        limit = time.monotonic() + self.settings.start_s
        while began:
            for name in list(began):
                if self.healthy(name):
                    took = time.monotonic() - began.pop(name)
                    say(f"{name}: up on port {self.port(name)} after {took:.1f} s")
                elif self.folder.process(name) is None:
                    raise Failure(
                        f"{name} ended while it started; its log ends with\n{self.folder.log_end(name)}"
                    )
            if began and time.monotonic() > limit:
                ends = "\n".join(self.folder.log_end(name, 5) for name in began)
                raise Failure(f"{', '.join(began)}: no answer within {self.settings.start_s:.0f} s\n{ends}")
            time.sleep(LOOK_S if began else 0)

    def start(self, name: str) -> float:
        """Starts one unless it runs; when this began."""
        began = time.monotonic()
        with self.folder.lock(name):
            before = self.folder.load(name).get("kept", {})
            settings = self.settings.resumed(name, before)
            if process := self.folder.process(name):
                if process.paused():
                    raise Failure(f"{name} is paused: `resume {name}` first")
                if settings.kept(name) != before:
                    raise Failure(f"{name} runs with other options than these: `down {name}` first")
                return began
            server = SERVERS[name]
            wanted = {"client": self.wanted(name), **dict.fromkeys(server.inner_ports, 0)}
            place = Place(self.settings.data / name, self.folder.ports(name, wanted), settings)
            place.home.mkdir(exist_ok=True)
            launch, log = server.launch(place), self.folder.log(name)
            if log.exists() and log.stat().st_size > LOG_BYTES:
                log.replace(log.with_suffix(".log.1"))
            began = time.monotonic()
            process = spawn(launch.argv, log, launch.cwd, launch.user, launch.executable)
            state = {**asdict(process), "ports": place.ports, "kept": settings.kept(name)}
            self.folder.save(name, state)
        return began

    def wanted(self, name: str) -> int:
        """The port that the caller names; else the folder's, else the usual one."""
        before = self.folder.load(name).get("ports", {}).get("client")
        return self.settings.ports.get(name, before or SERVERS[name].port)

    def port(self, name: str) -> int:
        return int(self.folder.load(name)["ports"]["client"])

    def healthy(self, name: str) -> bool:
        """Whether our own process runs and answers."""
        process = self.folder.process(name)
        if process is None or process.paused():
            return False
        try:
            return SERVERS[name].healthy(self.port(name))
        except Exception:  # A server that is starting may answer with anything, or not to the end.
            return False

    def url(self, name: str) -> str | None:
        return SERVERS[name].url(self.port(name)) if self.folder.process(name) else None

    def everything(self, name: str) -> list[Process]:
        process = self.folder.process(name)
        return [process, *process.children()] if process else []

    def down(self, names: list[str]) -> None:
        """Ends them in order, keeping their data."""
        for name in names:
            with self.folder.lock(name):
                began, processes = time.monotonic(), self.everything(name)
                if not processes:
                    continue
                for process in processes:
                    process.send(signal.SIGCONT)
                processes[0].send(SERVERS[name].stop)
                if not wait_gone(processes, self.settings.stop_s):
                    say(f"{name}: did not end within {self.settings.stop_s:.0f} s, killing it")
                    self.crash(processes)
                say(f"{name}: down after {time.monotonic() - began:.1f} s")

    def kill(self, name: str) -> None:
        """Ends one as a crash does: SIGKILL to its main process; what that leaves behind must go by itself."""
        with self.folder.lock(name):
            processes = self.everything(name)
            if not processes:
                raise Failure(f"{name} does not run")
            self.crash(processes)
            say(f"{name}: killed")

    def crash(self, processes: list[Process]) -> None:
        processes[0].send(signal.SIGKILL)
        if not wait_gone(processes, CRASH_S):
            for process in processes:
                process.send(signal.SIGKILL)
            wait_gone(processes, CRASH_S)

    def pause(self, name: str) -> None:
        """Stops it in the middle of whatever it does; its connections stay open."""
        self.signal(name, signal.SIGSTOP, "paused")

    def resume(self, name: str) -> None:
        self.signal(name, signal.SIGCONT, "resumed")

    def signal(self, name: str, number: signal.Signals, word: str) -> None:
        with self.folder.lock(name):
            processes = self.everything(name)
            if not processes:
                raise Failure(f"{name} does not run")
            for process in processes:
                process.send(number)
            say(f"{name}: {word}")

    def wipe(self, names: list[str]) -> None:
        """Ends them at once and deletes their data."""
        self.folder.must_be_ours()
        for name in names:
            with self.folder.lock(name):
                if processes := self.everything(name):
                    self.crash(processes)
                SERVERS[name].wipe(self.settings)
                self.folder.remove(name)
                say(f"{name}: wiped")

    def status(self, name: str) -> dict[str, Any]:
        state, processes = self.folder.load(name), self.everything(name)
        row: dict[str, Any] = {"name": name, "state": "down", "port": state.get("ports", {}).get("client")}
        if processes:
            paused = processes[0].paused()
            row["state"] = "paused" if paused else "healthy" if self.healthy(name) else "unhealthy"
            row |= {"pid": processes[0].pid, "profile": state["kept"]["profile"], "url": self.url(name)}
            row["memory_mb"] = sum(process.memory_mb() for process in processes)
            row["cpu_s"] = round(sum(process.cpu_s() for process in processes), 2)
        return row

    def logs(self, name: str) -> list[str]:
        """A command that shows them."""
        return ["tail", "-n", "200", "-F", str(self.folder.log(name))]
