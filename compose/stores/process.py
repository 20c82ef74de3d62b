"""Processes that outlive the command that started them, told from others by pid, start time and boot."""

from __future__ import annotations

import os
import pwd
import signal
import subprocess
import time
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TypedDict

TICKS = os.sysconf("SC_CLK_TCK") if hasattr(os, "sysconf") else 100


def boot() -> str:
    """This boot of the machine: after another one, a pid says nothing."""
    return Path("/proc/sys/kernel/random/boot_id").read_text().strip()


def stat(pid: int) -> list[str] | None:
    """What /proc says of a process after its name: state, parent …"""
    try:
        text = Path(f"/proc/{pid}/stat").read_text()
    except OSError:
        return None
    return text[text.rindex(")") + 2 :].split()


@dataclass(frozen=True)
class Process:
    """One process, never another one that got its pid later."""

    pid: int
    start: int
    boot: str

    @staticmethod
    def of(pid: int) -> Process | None:
        fields = stat(pid)
        return Process(pid, int(fields[19]), boot()) if fields else None

    def alive(self) -> bool:
        """A zombie without other threads is dead: whoever inherited it may be slow to reap it.

        With other threads it is still ending: a killed server's ports are held until its last thread is gone.
        """
        fields = stat(self.pid)
        if fields is None or int(fields[19]) != self.start or self.boot != boot():
            return False
        return fields[0] != "Z" or int(fields[17]) > 1

    def paused(self) -> bool:
        fields = stat(self.pid)
        return fields is not None and fields[0] in "Tt" and self.alive()

    def children(self) -> list[Process]:
        pids = (int(entry.name) for entry in Path("/proc").iterdir() if entry.name.isdigit())
        mine = ((pid, stat(pid)) for pid in pids)
        return [Process(pid, int(f[19]), self.boot) for pid, f in mine if f and int(f[1]) == self.pid]

    def send(self, number: signal.Signals) -> None:
        if self.alive():
            try:
                os.kill(self.pid, number)
            except ProcessLookupError:
                pass

    def cpu_s(self) -> float:
        fields = stat(self.pid)
        return (int(fields[11]) + int(fields[12])) / TICKS if fields else 0.0

    def memory_mb(self) -> int:
        """Proportional set size: what several processes share counts once."""
        try:
            text = Path(f"/proc/{self.pid}/smaps_rollup").read_text()
        except OSError:
            return 0
        return sum(int(line.split()[1]) for line in text.splitlines() if line.startswith("Pss:")) // 1024


def wait_gone(processes: Iterable[Process], seconds: float) -> bool:
    """Whether all of them ended in time."""
    waiting, limit = list(processes), time.monotonic() + seconds
    while waiting := [process for process in waiting if process.alive()]:
        if time.monotonic() > limit:
            return False
        time.sleep(0.02)
    return True


class Identity(TypedDict, total=False):
    """What subprocess needs to run something as somebody else."""

    user: int
    group: int
    extra_groups: list[str | int]


def identity(user: str | None) -> Identity:
    """None is the caller."""
    if user is None:
        return {}
    entry = pwd.getpwnam(user)
    return {"user": entry.pw_uid, "group": entry.pw_gid, "extra_groups": []}


def spawn(argv: Sequence[str], log: Path, cwd: Path, user: str | None, executable: str | None) -> Process:
    """Starts it in a session of its own, so that Ctrl-C in the shell does not reach it."""
    log.parent.mkdir(parents=True, exist_ok=True)
    with open(log, "ab") as out:
        child = subprocess.Popen(
            list(argv),
            executable=executable,
            stdin=subprocess.DEVNULL,
            stdout=out,
            stderr=out,
            cwd=cwd,
            start_new_session=True,
            **identity(user),
        )
    # A child that is not waited for keeps its entry, so this is there even if it ended at once.
    process = Process.of(child.pid)
    assert process is not None
    # It outlives us: Popen need not warn that nobody waited.
    child.returncode = 0
    return process
