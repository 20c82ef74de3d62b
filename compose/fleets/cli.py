"""The command line of compose/fleet."""

from __future__ import annotations

import argparse
import json
import re
import signal
import socket
import subprocess
import sys
import time
import urllib.error
import urllib.request
from pathlib import Path

from stores.process import Process, spawn, wait_gone

from .plan import SERVICES, Member, arguments, environment, members

ABOUT = """Many chatd processes on one machine, each service apart.

  up                apply the schema, start all, wait until they are ready, print where they are
  env               print that again
  engines           print the URLs of its engines, with its prefix, as chatd and chatctl take them
  status            what runs, with its CPU seconds and memory
  down              end all with SIGTERM, the gateway first
  flush             have their Redis forget everything
  stop NAME...      end some with SIGTERM; `start NAME...` starts them again
  kill9 NAME...     kill -9, for fault tests
  pause NAME...     stop them as they stand; `resume NAME...` lets them go on

Clustered on the engines that STORES_KAFKA, STORES_CASSANDRA, STORES_POSTGRES and STORES_REDIS name (compose/servers up
prints them), under a prefix, keyspace and database of its own; or with --embedded one core and websocket processes beside
it. With --gateway 2 each gateway leads to one websocket process. Only processes that this started are signalled."""


CLOCK = Path(__file__).with_name("clock.c")


class Fleet:
    """An installation in a folder."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder.absolute()
        self.file = self.folder / "fleet.json"
        self.state = json.loads(self.file.read_text()) if self.file.exists() else {"pids": {}}

    def save(self) -> None:
        self.folder.mkdir(parents=True, exist_ok=True)
        self.file.write_text(json.dumps(self.state, indent=1))

    def members(self) -> list[Member]:
        state = self.state
        return members(state["base"], state["counts"], state["embedded"])

    def member(self, name: str) -> Member:
        for member in self.members():
            if member.name == name:
                return member
        sys.exit(f"fleet: there is no {name}; there are {' '.join(one.name for one in self.members())}")

    def data(self, member: Member) -> Path:
        return self.folder / ("data" if self.state["embedded"] else member.name)

    def process(self, member: Member) -> Process | None:
        words = self.state["pids"].get(member.name)
        process = Process(*words) if words else None
        return process if process and process.alive() else None

    def clock(self) -> Path:
        """The library that puts a clock off, made for this machine."""
        library = self.folder / "clock.so"
        done = subprocess.run(["cc", "-shared", "-fPIC", "-O1", "-o", str(library), str(CLOCK)])
        if done.returncode:
            sys.exit("fleet: --clock wants a C compiler, cc")
        return library

    def environment(self) -> dict[str, str]:
        try:
            return environment(self.state["embedded"], self.state["prefix"])
        except KeyError as missing:
            sys.exit(f"fleet: {missing.args[0]} not set: eval \"$(compose/servers up)\" first, or --embedded")

    def start(self, names: list[Member], clock: str | None = None) -> None:
        program, env = Path(self.state["bin"]), self.environment()
        if clock:
            env = {**env, "LD_PRELOAD": str(self.clock()), "CLOCK_OFFSET_S": clock.removesuffix("s")}
        for member in names:
            if self.process(member):
                continue
            words = arguments(member, self.members(), self.data(member), self.state["sets"])
            shell = ["env", "-i", *[f"{name}={text}" for name, text in env.items()], str(program), *words]
            process = spawn(shell, self.folder / f"{member.name}.log", self.folder, None, None)
            self.state["pids"][member.name] = [process.pid, process.start, process.boot]
        self.save()
        limit = time.monotonic() + 90
        for member in names:
            while not ready(member):
                if not self.process(member) or time.monotonic() > limit:
                    tail = (self.folder / f"{member.name}.log").read_text(errors="replace")[-2000:]
                    sys.exit(f"fleet: {member.name} is not ready; its log ends:\n{tail}")
                time.sleep(0.05)

    def end(self, names: list[Member], number: signal.Signals, seconds: float) -> None:
        running = [process for member in names if (process := self.process(member))]
        for process in running:
            process.send(number)
        if not wait_gone(running, seconds):
            sys.exit(f"fleet: some do not end within {seconds:g} s")


def ready(member: Member) -> bool:
    try:
        url = f"http://127.0.0.1:{member.lowest}/actuator/health"
        return bool(urllib.request.urlopen(url, timeout=2).status == 200)
    except (urllib.error.URLError, OSError):
        return False


def prepare(fleet: Fleet) -> None:
    """Makes the database and brings the schema up to date."""
    env = fleet.environment()
    chatctl = Path(fleet.state["bin"]).with_name("chatctl")
    done = subprocess.run([str(chatctl), "schema", "apply"], env=env, stdout=sys.stderr)
    if done.returncode:
        sys.exit(f"fleet: chatctl schema apply ended with {done.returncode}")


def show(fleet: Fleet) -> None:
    entry = fleet.members()[0]
    admin = next(member for member in fleet.members() if "auth" in member.roles)
    gates = [f"http://127.0.0.1:{member.base}" for member in fleet.members() if "gateway" in member.roles]
    print(f"export GATEWAY=http://127.0.0.1:{entry.base} GATEWAYS={','.join(gates)}")
    print(f"export ADMIN=http://127.0.0.1:{admin.admin} DATA={fleet.data(admin)}")


def flush(fleet: Fleet) -> str:
    """Has Redis forget everything, as an operator or a restart without its file would."""
    host, port = re.match(r"rediss?://(?:[^@/]*@)?([^:/]+):?(\d*)", fleet.environment()["STORES_REDIS"]).groups()
    with socket.create_connection((host, int(port or 6379)), timeout=5) as redis:
        redis.sendall(b"FLUSHALL\r\n")
        return redis.recv(64).decode().strip()


def status(fleet: Fleet) -> None:
    for member in fleet.members():
        process = fleet.process(member)
        state = "down" if not process else "paused" if process.paused() else "ready" if ready(member) else "up"
        told = f"pid {process.pid:<8} {process.cpu_s():>8.1f} cpu-s {process.memory_mb():>5} MB" if process else ""
        print(f"{member.name:<14} {state:<7} port {member.lowest:<6} {told}")


def up(fleet: Fleet, given: argparse.Namespace) -> None:
    counts = {service: getattr(given, service) for service in SERVICES}
    binary = given.bin.absolute()
    if not binary.exists():
        sys.exit(f"fleet: {binary} is not there: cargo build --release -p chatd -p chatctl, or --bin PATH")
    fleet.state = {
        "base": given.port,
        "counts": counts,
        "embedded": given.embedded,
        "prefix": given.prefix or re.sub(r"[^a-z0-9]", "", fleet.folder.name.lower()) or "fleet",
        "bin": str(binary),
        "sets": given.set,
        "pids": fleet.state["pids"],
    }
    fleet.save()
    if not given.embedded:
        prepare(fleet)
    fleet.start(fleet.members())
    show(fleet)


def main() -> None:
    words = argparse.ArgumentParser(
        prog="compose/fleet", description=ABOUT, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    commands = ["up", "env", "engines", "flush", "status", "down", "stop", "start", "kill9", "pause", "resume"]
    words.add_argument("command", choices=commands)
    words.add_argument("names", nargs="*", metavar="NAME")
    words.add_argument("--dir", type=Path, required=True, metavar="DIR", help="data, logs and state")
    words.add_argument("--bin", type=Path, default=Path("target/release/chatd"), help="chatd, with chatctl beside it")
    words.add_argument("--port", type=int, default=23000, help="of the gateway (default %(default)s)")
    words.add_argument("--embedded", action="store_true", help="one core, and websocket processes beside it")
    words.add_argument("--clock", metavar="OFFSET", help="with start: their clock is off by this, such as +5s (wants cc)")
    words.add_argument("--prefix", help="names keyspace, database, topics and keys (default: the folder's name)")
    words.add_argument("--set", action="append", default=[], metavar="KEY=VALUE", help="a setting of all processes")
    for service in SERVICES:
        several = 2 if service in ("chat", "websocket") else 1
        words.add_argument(f"--{service}", type=int, default=several, metavar="N", help=f"processes of it (default {several})")
    given = words.parse_intermixed_args()
    fleet = Fleet(given.dir)
    if given.command == "up":
        return up(fleet, given)
    if "base" not in fleet.state:
        sys.exit(f"fleet: nothing was ever started in {given.dir}")
    chosen = [fleet.member(name) for name in given.names] or fleet.members()
    if given.command in ("kill9", "pause", "resume", "stop", "start") and not given.names:
        sys.exit(f"fleet: {given.command} which one?")
    match given.command:
        case "env":
            show(fleet)
        case "engines":
            for name, url in sorted(fleet.environment().items()):
                if name.startswith("CHATD_STORES__"):
                    print(f"{name}={url}")
        case "flush":
            print(flush(fleet))
        case "status":
            status(fleet)
        case "start":
            fleet.start(chosen, given.clock)
        case "stop":
            fleet.end(chosen, signal.SIGTERM, 90)
        case "kill9":
            fleet.end(chosen, signal.SIGKILL, 10)
        case "down":
            for member in chosen:
                fleet.end([member], signal.SIGTERM, 90)
        case "pause" | "resume":
            number = signal.SIGSTOP if given.command == "pause" else signal.SIGCONT
            for member in chosen:
                if process := fleet.process(member):
                    process.send(number)
