"""The four servers as containers of compose.yaml; a data folder is a compose project of its own."""

from __future__ import annotations

import hashlib
import json
import os
import shutil
import subprocess
import time
from pathlib import Path
from typing import Any

from .failure import Failure, say
from .folder import Folder
from .local import SERVERS
from .settings import Settings

HERE = Path(__file__).resolve().parent.parent
DEFAULTS = HERE.parent / ".env"
SERVICES = {"kafka": "kafka", "cassandra": "cassandra", "postgres": "postgres-auth", "redis": "redis"}
LOOK_S = 0.3


def answers() -> bool:
    """Whether there is an engine, and compose to speak to it."""
    if not shutil.which("docker"):
        return False
    try:
        return all(
            subprocess.run(["docker", *words], capture_output=True, timeout=20).returncode == 0
            for words in (["compose", "version"], ["info", "--format", "{{.ServerVersion}}"])
        )
    except (OSError, subprocess.TimeoutExpired):
        return False


def default(key: str) -> str:
    """A variable, from the environment or else from .env, as compose reads it."""
    lines = (line.partition("=") for line in DEFAULTS.read_text().splitlines() if not line.startswith("#"))
    return os.environ.get(key) or {name: value for name, _, value in lines}[key]


class Docker:
    """As Local, through docker compose."""

    kind = "docker"

    def __init__(self, settings: Settings) -> None:
        self.settings = settings
        self.folder = Folder(settings.data)
        self.project = "chatd-" + hashlib.sha256(str(settings.data).encode()).hexdigest()[:12]

    def compose(self, *words: str) -> list[str]:
        files = ["--env-file", str(DEFAULTS), "--file", str(HERE / "compose.yaml")]
        return ["docker", "compose", "--project-name", self.project, *files, *words]

    def resumed(self, name: str) -> Settings:
        return self.settings.resumed(name, self.folder.load(name).get("kept", {}))

    def variables(self) -> dict[str, str]:
        """What compose.yaml takes from the environment."""
        started = [name for name in SERVICES if self.folder.load(name)]
        chosen = {f"{name.upper()}_PORT": str(self.port(name)) for name in started}
        for name in started:
            for heap_mb in self.resumed(name).heap_mb.values():
                chosen[f"{name.upper()}_HEAP"] = f"{heap_mb}m"
        # The image's own start script writes the configuration; these override it.
        sync = {"group": "group -Dcassandra.settings.commitlog_sync_group_window=5ms", "batch": "batch"}
        if mode := sync.get(self.resumed("cassandra").cassandra_sync or ""):
            allowed = "-Dcassandra.config.allow_system_properties=true"
            chosen["CASSANDRA_OPTIONS"] = f"{allowed} -Dcassandra.settings.commitlog_sync={mode}"
        if not self.resumed("postgres").load():
            chosen["POSTGRES_FSYNC"] = "off"
        return {**os.environ, **chosen}

    def run(self, *words: str) -> str:
        done = subprocess.run(
            self.compose(*words),
            env=self.variables(),
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
        )
        if done.returncode:
            raise Failure(f"docker compose {' '.join(words)} failed:\n{done.stdout[-3000:]}")
        return done.stdout

    def install(self, names: list[str]) -> None:
        self.run("pull", "--quiet", *(SERVICES[name] for name in names))

    def up(self, names: list[str]) -> None:
        self.folder.create(self.kind)
        began = time.monotonic()
        with self.folder.lock("docker"):
            for name in names:
                if not self.running(name):
                    before = self.folder.load(name).get("ports", {}).get("client")
                    wanted = self.settings.ports.get(name, before or SERVERS[name].port)
                    self.folder.ports(name, {"client": wanted})
                    kept = self.resumed(name).kept(name)
                    self.folder.save(name, {**self.folder.load(name), "kept": kept})
            self.run("up", "--detach", "--no-deps", *(SERVICES[name] for name in names))
        waiting = list(names)
        while waiting := [name for name in waiting if not self.healthy(name)]:
            if time.monotonic() - began > self.settings.start_s:
                raise Failure(
                    f"{', '.join(waiting)}: no answer within {self.settings.start_s:.0f} s; see `logs`"
                )
            time.sleep(LOOK_S)
        say(f"{', '.join(names)}: up after {time.monotonic() - began:.1f} s")

    def running(self, name: str) -> bool:
        return bool(self.run("ps", "--quiet", "--status", "running", SERVICES[name]).strip())

    def port(self, name: str) -> int:
        return int(self.folder.load(name)["ports"]["client"])

    def healthy(self, name: str) -> bool:
        try:
            return SERVERS[name].healthy(self.port(name))
        except Exception:  # A server that is starting may answer with anything, or not to the end.
            return False

    def url(self, name: str) -> str | None:
        if not self.folder.load(name) or not self.running(name):
            return None
        if name == "postgres":
            return (
                f"postgres://chatapp:{default('POSTGRES_PASSWORD')}@127.0.0.1:{self.port(name)}/chatapp_auth"
            )
        return SERVERS[name].url(self.port(name))

    def down(self, names: list[str]) -> None:
        self.run("stop", "--timeout", str(int(self.settings.stop_s)), *(SERVICES[name] for name in names))
        say(f"{', '.join(names)}: down")

    def kill(self, name: str) -> None:
        self.run("kill", "--signal", "KILL", SERVICES[name])
        say(f"{name}: killed")

    def pause(self, name: str) -> None:
        self.run("pause", SERVICES[name])
        say(f"{name}: paused")

    def resume(self, name: str) -> None:
        self.run("unpause", SERVICES[name])
        say(f"{name}: resumed")

    def wipe(self, names: list[str]) -> None:
        self.folder.must_be_ours()
        self.run("rm", "--force", "--stop", *(SERVICES[name] for name in names))
        for name in names:
            volume = f"{self.project}_{SERVICES[name]}"
            subprocess.run(["docker", "volume", "rm", "--force", volume], capture_output=True)
            self.folder.remove(name)
            say(f"{name}: wiped")

    def status(self, name: str) -> dict[str, Any]:
        row: dict[str, Any] = {
            "name": name,
            "state": "down",
            "port": self.folder.load(name).get("ports", {}).get("client"),
        }
        listed = self.run("ps", "--all", "--format", "json", SERVICES[name]).splitlines()
        found = json.loads(listed[0])["State"] if listed else "absent"
        if found == "paused":
            row["state"] = "paused"
        elif found == "running":
            row |= {"state": "healthy" if self.healthy(name) else "unhealthy", "url": self.url(name)}
        return row

    def logs(self, name: str) -> list[str]:
        return self.compose("logs", "--follow", "--tail", "200", SERVICES[name])
