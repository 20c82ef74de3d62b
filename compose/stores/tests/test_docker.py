from __future__ import annotations

import os
import re
import tempfile
import unittest
from pathlib import Path
from unittest import mock

from stores import docker
from stores.settings import NAMES, Settings

# Writes down how it was called, with the variables that compose.yaml takes; everything runs.
FAKE = """#!/bin/sh
echo "$*" | sed 's/.*compose.yaml //' >> "$LOG"
env | grep -E '^(KAFKA|CASSANDRA|POSTGRES|REDIS)_(PORT|HEAP|OPTIONS|FSYNC)=' | sort > "$LOG.variables"
case "$*" in *" ps "*) cat "$LOG.ps";; esac
"""


class Calls(unittest.TestCase):
    def setUp(self) -> None:
        folder = tempfile.TemporaryDirectory()
        self.addCleanup(folder.cleanup)
        self.root, self.log = Path(folder.name), Path(folder.name) / "calls"
        program = self.root / "bin/docker"
        program.parent.mkdir()
        program.write_text(FAKE)
        program.chmod(0o755)
        self.ps("")
        path = f"{program.parent}:{os.environ['PATH']}"
        for patch in (
            mock.patch.dict(os.environ, {"PATH": path, "LOG": str(self.log)}),
            mock.patch.object(docker, "say", lambda _: None),
            mock.patch.object(docker.Docker, "healthy", lambda *_: True),
        ):
            patch.start()
            self.addCleanup(patch.stop)

    def ps(self, text: str) -> None:
        Path(f"{self.log}.ps").write_text(text)

    def calls(self) -> list[str]:
        return self.log.read_text().splitlines()

    def servers(self, **more: object) -> docker.Docker:
        ports = dict.fromkeys(NAMES, 0)
        return docker.Docker(Settings(data=self.root / "data", downloads=self.root, ports=ports, **more))  # type: ignore[arg-type]

    def test_up_gives_ports_and_settings_as_variables(self) -> None:
        servers = self.servers(cassandra_sync="group", heap_mb={"kafka": 300})
        servers.up(list(NAMES))
        self.assertIn("up --detach --no-deps kafka cassandra postgres-auth redis", self.calls())
        variables = dict(
            line.split("=", 1) for line in Path(f"{self.log}.variables").read_text().splitlines()
        )
        self.assertEqual(
            {f"{name.upper()}_PORT": str(servers.port(name)) for name in NAMES}.items() - variables.items(),
            set(),
        )
        self.assertEqual((variables["KAFKA_HEAP"], variables["POSTGRES_FSYNC"]), ("300m", "off"))
        self.assertIn("commitlog_sync=group", variables["CASSANDRA_OPTIONS"])
        # compose.yaml takes every one of them.
        text = (docker.HERE / "compose.yaml").read_text()
        for name in variables:
            self.assertRegex(text, re.escape("${" + name + ":-"))

    def test_urls_of_what_runs(self) -> None:
        servers = self.servers()
        servers.up(["redis", "postgres"])
        self.assertIsNone(servers.url("redis"))
        self.ps("id")
        self.assertEqual(servers.url("redis"), f"redis://127.0.0.1:{servers.port('redis')}")
        self.assertEqual(
            servers.url("postgres"),
            f"postgres://chatapp:development@127.0.0.1:{servers.port('postgres')}/chatapp_auth",
        )

    def test_faults(self) -> None:
        servers = self.servers()
        servers.up(["postgres"])
        for verb, call in (("kill", "kill --signal KILL"), ("pause", "pause"), ("resume", "unpause")):
            getattr(servers, verb)("postgres")
            self.assertEqual(self.calls()[-1], f"{call} postgres-auth")

    def test_wipe_takes_the_volume_and_the_folder_too(self) -> None:
        servers = self.servers()
        servers.up(["redis"])
        servers.wipe(["redis"])
        self.assertEqual(self.calls()[-1], f"volume rm --force {servers.project}_redis")
        self.assertIsNone(servers.folder.kind())

    def test_states(self) -> None:
        servers = self.servers()
        servers.up(["kafka"])
        self.assertEqual(servers.status("kafka")["state"], "down")
        for state, told in (("running", "healthy"), ("paused", "paused"), ("exited", "down")):
            self.ps(f'{{"State": "{state}"}}')
            self.assertEqual(servers.status("kafka")["state"], told)
