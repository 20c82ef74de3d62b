from __future__ import annotations

import unittest
from pathlib import Path

from stores.settings import Settings


class Resumed(unittest.TestCase):
    def settings(self, **chosen: object) -> Settings:
        return Settings(data=Path("/d"), downloads=Path("/d"), **chosen)  # type: ignore[arg-type]

    def test_a_server_comes_back_as_it_was_started(self) -> None:
        first = self.settings(profile="load", cassandra_sync="group", heap_mb={"kafka": 1, "cassandra": 700})
        kept = first.resumed("cassandra", {}).kept("cassandra")
        self.assertEqual(kept, {"profile": "load", "cassandra_sync": "group", "heap_mb": 700})
        again = self.settings().resumed("cassandra", kept)
        self.assertTrue(again.load())
        self.assertEqual(again.kept("cassandra"), kept)

    def test_what_is_asked_for_wins(self) -> None:
        kept = {"profile": "load", "cassandra_sync": "group", "heap_mb": 700}
        asked = self.settings(profile="test").resumed("cassandra", kept)
        self.assertEqual(asked.kept("cassandra"), {**kept, "profile": "test"})

    def test_the_first_time_has_defaults(self) -> None:
        first = self.settings().resumed("redis", {})
        self.assertEqual(
            first.kept("redis"), {"profile": "test", "cassandra_sync": "periodic", "heap_mb": None}
        )
