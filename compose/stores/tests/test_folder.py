from __future__ import annotations

import os
import platform
import signal
import socket
import subprocess
import sys
import tempfile
import time
import unittest
from dataclasses import asdict, replace
from pathlib import Path

from stores.failure import Failure
from stores.folder import FREE_PORTS, Folder
from stores.process import Process, spawn, stat, wait_gone


class Case(unittest.TestCase):
    def setUp(self) -> None:
        root = tempfile.TemporaryDirectory()
        self.addCleanup(root.cleanup)
        self.root = Path(root.name)


class Ports(Case):
    def test_free_ones_stay_with_the_folder(self) -> None:
        folder = Folder(self.root)
        first = folder.ports("kafka", {"client": 0, "controller": 0})
        self.assertEqual(len(set(first.values())), 2)
        self.assertTrue(all(port in FREE_PORTS for port in first.values()))
        self.assertEqual(Folder(self.root).ports("kafka", {"client": 0, "controller": 0}), first)

    def test_one_that_somebody_listens_on_is_refused(self) -> None:
        with socket.socket() as other:
            other.bind(("127.0.0.1", 0))
            other.listen()
            with self.assertRaisesRegex(Failure, "taken by something else; --redis-port 0"):
                Folder(self.root).ports("redis", {"client": other.getsockname()[1]})


class Ownership(Case):
    def test_a_folder_with_other_things_is_neither_taken_nor_deleted(self) -> None:
        (self.root / "thesis.txt").write_text("years of work")
        with self.assertRaisesRegex(Failure, "holds other things"):
            Folder(self.root).create("local")
        with self.assertRaisesRegex(Failure, "nothing is deleted"):
            Folder(self.root).must_be_ours()

    def test_a_wiped_folder_may_become_something_else(self) -> None:
        folder = Folder(self.root)
        folder.create("docker")
        self.assertEqual(folder.kind(), "docker")
        folder.save("redis", {"ports": {"client": 1}})
        folder.remove("redis")
        self.assertIsNone(folder.kind())
        folder.create("local")
        self.assertEqual(folder.kind(), "local")


class Processes(Case):
    def sleeper(self) -> Process:
        process = spawn(["sleep", "60"], self.root / "log", self.root, None, None)
        self.addCleanup(self.reap, process)
        return process

    def reap(self, process: Process) -> None:
        process.send(signal.SIGKILL)
        try:
            os.waitpid(process.pid, 0)
        except ChildProcessError:
            pass

    def test_the_pid_alone_is_not_the_process(self) -> None:
        process, folder = self.sleeper(), Folder(self.root)
        folder.save("redis", asdict(process))
        self.assertEqual(folder.process("redis"), process)
        for other in (replace(process, start=process.start - 1), replace(process, boot="another")):
            folder.save("redis", asdict(other))
            self.assertIsNone(folder.process("redis"))
            other.send(signal.SIGKILL)
        self.assertTrue(process.alive())

    def test_a_zombie_is_gone(self) -> None:
        process = self.sleeper()
        self.assertFalse(wait_gone([process], 0))
        process.send(signal.SIGKILL)
        self.assertTrue(wait_gone([process], 10))
        self.assertTrue(Path(f"/proc/{process.pid}").exists(), "nobody has waited for it")

    def test_a_zombie_with_other_threads_still_ends(self) -> None:
        # The call that ends one thread, here the main one.
        number = {"x86_64": 60, "aarch64": 93}[platform.machine()]
        code = (
            "import ctypes, threading, time\n"
            "threading.Thread(target=time.sleep, args=(60,)).start()\n"
            f"ctypes.CDLL(None).syscall({number}, 0)"
        )
        process = spawn([sys.executable, "-c", code], self.root / "log", self.root, None, None)
        self.addCleanup(self.reap, process)
        while (fields := stat(process.pid)) and fields[0] != "Z":
            time.sleep(0.01)
        self.assertTrue(process.alive())

    def test_paused_and_resumed(self) -> None:
        process = self.sleeper()
        process.send(signal.SIGSTOP)
        os.waitpid(process.pid, os.WUNTRACED)
        self.assertTrue(process.paused() and process.alive())
        process.send(signal.SIGCONT)
        os.waitpid(process.pid, os.WCONTINUED)
        self.assertFalse(process.paused())

    def test_children_are_found(self) -> None:
        child = subprocess.Popen(["sleep", "60"])
        self.addCleanup(child.wait)
        self.addCleanup(child.kill)
        me = Process.of(os.getpid())
        assert me is not None
        self.assertIn(child.pid, [process.pid for process in me.children()])
