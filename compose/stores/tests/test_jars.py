from __future__ import annotations

import functools
import hashlib
import http.server
import os
import tempfile
import threading
import unittest
from pathlib import Path
from unittest import mock

from stores import jars
from stores.failure import Failure

SETTINGS = """<settings xmlns="http://maven.apache.org/SETTINGS/1.2.0"><mirrors>
<mirror><id>a</id><mirrorOf>internal</mirrorOf><url>https://a.example/</url></mirror>
<mirror><id>b</id><mirrorOf>external:*</mirrorOf><url>https://b.example/</url><blocked>true</blocked></mirror>
<mirror><id>c</id><mirrorOf>central, other</mirrorOf><url>https://c.example/maven/</url></mirror>
</mirrors></settings>"""


class Coordinates(unittest.TestCase):
    def test_a_path_names_all_four(self) -> None:
        plain = {"groupId": "org.x", "artifactId": "core_2.13", "version": "1.0-rc.4"}
        self.assertEqual(jars.coordinates("org/x/core_2.13/1.0-rc.4/core_2.13-1.0-rc.4.jar"), plain)
        self.assertEqual(
            jars.coordinates("org/x/core_2.13/1.0-rc.4/core_2.13-1.0-rc.4-linux-x86_64.jar"),
            {**plain, "classifier": "linux-x86_64"},
        )

    def test_every_listed_jar_has_its_own_name_and_digest(self) -> None:
        for file in jars.LISTS.glob("*.sha256"):
            listed = jars.listed(file.name.removesuffix(".sha256"))
            self.assertEqual(len({path.rsplit("/", 1)[1] for path in listed}), len(listed), file.name)
            for path, digest in listed.items():
                self.assertRegex(digest, "^[0-9a-f]{64}$", path)


class Repository(unittest.TestCase):
    def test_the_environment_wins_then_a_mirror_of_central(self) -> None:
        with tempfile.TemporaryDirectory() as home:
            settings = Path(home) / "settings.xml"
            settings.write_text(SETTINGS)
            self.assertEqual(jars.mirror(settings), "https://c.example/maven")
            self.assertIsNone(jars.mirror(Path(home) / "none.xml"))
        with mock.patch.dict(os.environ, {"MAVEN_REPOSITORY_URL": "https://d.example/"}):
            self.assertEqual(jars.repository(), "https://d.example")


class Fetch(unittest.TestCase):
    """From a repository on loopback, without Maven."""

    def setUp(self) -> None:
        folder = tempfile.TemporaryDirectory()
        self.addCleanup(folder.cleanup)
        self.root = Path(folder.name)
        jar = self.root / "repository/org/x/core/1/core-1.jar"
        jar.parent.mkdir(parents=True)
        jar.write_bytes(b"a jar")
        lists = self.root / "lists"
        lists.mkdir()
        (lists / "x.sha256").write_text(f"{hashlib.sha256(b'a jar').hexdigest()}  org/x/core/1/core-1.jar\n")
        quiet = type("Quiet", (http.server.SimpleHTTPRequestHandler,), {"log_message": lambda *_: None})
        server = http.server.ThreadingHTTPServer(
            ("127.0.0.1", 0), functools.partial(quiet, directory=str(self.root / "repository"))
        )
        threading.Thread(target=server.serve_forever, daemon=True).start()
        self.addCleanup(server.server_close)
        self.addCleanup(server.shutdown)
        for patch in (
            mock.patch.object(jars, "LISTS", lists),
            mock.patch("shutil.which", lambda _: None),
            mock.patch.dict(
                os.environ,
                {"MAVEN_REPOSITORY_URL": f"http://127.0.0.1:{server.server_port}", "no_proxy": "*"},
            ),
            mock.patch.object(jars, "say", lambda _: None),
        ):
            patch.start()
            self.addCleanup(patch.stop)
        self.jar = jar

    def test_it_is_fetched_once(self) -> None:
        folder = jars.fetch("x", self.root / "downloads")
        self.assertEqual((folder / "core-1.jar").read_bytes(), b"a jar")
        self.jar.unlink()
        self.assertEqual(jars.fetch("x", self.root / "downloads"), folder)

    def test_another_jar_than_the_pinned_one_is_refused(self) -> None:
        self.jar.write_bytes(b"another jar")
        with self.assertRaisesRegex(Failure, "core-1.jar has SHA-256"):
            jars.fetch("x", self.root / "downloads")
        self.assertEqual([entry.name for entry in (self.root / "downloads").glob("*[!t]")], [])
