from __future__ import annotations

import tempfile
import unittest
from pathlib import Path
from unittest import mock

from stores import cli
from stores.docker import Docker
from stores.failure import Failure
from stores.folder import Folder
from stores.local import Local


def chosen(*words: str, engine: bool) -> object:
    given = cli.parser().parse_intermixed_args(list(words))
    with mock.patch.object(cli, "answers", lambda: engine):
        return cli.choose(given, cli.settings(given))


class Choice(unittest.TestCase):
    def setUp(self) -> None:
        root = tempfile.TemporaryDirectory()
        self.addCleanup(root.cleanup)
        self.data = str(Path(root.name) / "set")

    def test_docker_where_an_engine_answers(self) -> None:
        self.assertIsInstance(chosen("--data", self.data, "up", engine=True), Docker)
        self.assertIsInstance(chosen("--data", self.data, "up", engine=False), Local)
        self.assertIsInstance(chosen("--data", self.data, "--local", "up", engine=True), Local)

    def test_a_folder_stays_what_it_was_started_as(self) -> None:
        Folder(Path(self.data)).create("local")
        self.assertIsInstance(chosen("--data", self.data, "kill9", "kafka", engine=True), Local)
        Folder(Path(self.data + "2")).create("docker")
        with self.assertRaisesRegex(Failure, "started by Docker"):
            chosen("--data", self.data + "2", "--local", "up", engine=True)

    def test_ports(self) -> None:
        def ports(*words: str) -> dict[str, int]:
            return cli.settings(cli.parser().parse_intermixed_args([*words, "up"])).ports

        self.assertEqual(ports(), {})
        self.assertEqual(ports("--kafka-port", "0"), {"kafka": 0})
        free = ports("--free-ports", "--redis-port", "7000")
        self.assertEqual(free, {"kafka": 0, "cassandra": 0, "postgres": 0, "redis": 7000})

    def test_names_are_checked(self) -> None:
        for words in (["up", "kafak"], ["kill9"], ["pause", "kafka", "redis"]):
            with self.assertRaises(Failure) as caught:
                cli.run(cli.parser().parse_intermixed_args(["--data", self.data, "--local", *words]))
            self.assertEqual(caught.exception.code, 2)
