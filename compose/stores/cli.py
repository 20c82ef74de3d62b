"""The command line of compose/servers."""

from __future__ import annotations

import argparse
import json
import os
import subprocess
import sys
from pathlib import Path

from .docker import Docker, answers
from .failure import Failure, say
from .folder import Folder
from .local import SERVERS, Local
from .settings import NAMES, Settings

ABOUT = """The real Kafka, Cassandra, PostgreSQL and Redis for development and tests.

  up [NAME...]      start them, wait until they answer, print `export STORES_...=...` lines
  env [NAME...]     print those lines again
  status [NAME...]  what runs, where, with how much memory; ends with 0 if all are healthy, else with 3
  down [NAME...]    end them, keeping their data
  wipe [NAME...]    end them and delete their data
  kill9 NAME        kill -9, for fault tests; `up NAME` brings it back with its data, on its port
  pause NAME        stop it as it stands, for fault tests; `resume NAME` lets it go on
  logs NAME         follow its log
  install [NAME...] download what they need, ahead of time

NAMEs: kafka cassandra postgres redis; without one, all four. In a shell: eval "$(compose/servers up)".
By docker compose where a Docker engine answers, else as processes of this machine (Linux). Everything listens on
127.0.0.1 only."""


def parser() -> argparse.ArgumentParser:
    words = argparse.ArgumentParser(
        prog="compose/servers", description=ABOUT, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    cache = Path(os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache") / "chatd"
    words.add_argument(
        "command",
        choices=["up", "env", "status", "down", "wipe", "kill9", "pause", "resume", "logs", "install"],
    )
    words.add_argument("names", nargs="*", metavar="NAME")
    words.add_argument(
        "--data",
        type=Path,
        default=cache / "servers",
        metavar="DIR",
        help="where they keep everything; each folder is a set of its own (default %(default)s)",
    )
    words.add_argument(
        "--downloads",
        type=Path,
        default=cache / "downloads",
        metavar="DIR",
        help="where their programs are kept (default %(default)s)",
    )
    words.add_argument(
        "--profile",
        choices=["test", "load"],
        help="test starts fast; load has Java's full compiler and PostgreSQL's fsync, for any figure (default: as "
        "last time, at first test)",
    )
    words.add_argument(
        "--cassandra-sync",
        choices=["periodic", "group", "batch"],
        help="when Cassandra's log is on the disk; periodic, its own default, loses the last acknowledged rows at "
        "kill9, the others do not, at several times the cost (default: as last time, at first periodic)",
    )
    words.add_argument("--local", action="store_true", help="no Docker, even if an engine answers")
    words.add_argument("--json", action="store_true", help="status as JSON")
    words.add_argument(
        "--timeout",
        type=float,
        default=180,
        metavar="SECONDS",
        help="how long up waits (default %(default)g)",
    )
    for name in NAMES:
        words.add_argument(
            f"--{name}-port",
            type=int,
            metavar="PORT",
            help=f"default {SERVERS[name].port}; 0 is a free one; kept for the data folder",
        )
        words.add_argument(
            f"--{name}-memory",
            type=int,
            metavar="MB",
            help="its heap, or Redis' data" if name != "postgres" else argparse.SUPPRESS,
        )
    words.add_argument("--free-ports", action="store_true", help="0 for every port that is not named")
    return words


def settings(given: argparse.Namespace) -> Settings:
    ports = {name: getattr(given, f"{name}_port") for name in NAMES}
    memory = {name: getattr(given, f"{name}_memory") for name in NAMES}
    return Settings(
        data=given.data.resolve(),
        downloads=given.downloads.resolve(),
        profile=given.profile,
        cassandra_sync=given.cassandra_sync,
        ports={
            name: port if port is not None else 0
            for name, port in ports.items()
            if port is not None or given.free_ports
        },
        heap_mb={name: mb for name, mb in memory.items() if mb is not None},
        start_s=given.timeout,
    )


def choose(given: argparse.Namespace, chosen: Settings) -> Local | Docker:
    """A folder stays what it was started as."""
    kind = Folder(chosen.data).kind()
    if kind == "docker" and given.local:
        raise Failure(
            f"{chosen.data} was started by Docker: wipe it first, or name another folder with --data"
        )
    if kind == "docker" or (kind is None and not given.local and answers()):
        return Docker(chosen)
    if not sys.platform.startswith("linux"):
        raise Failure("no Docker engine answers, and without one this works on Linux only")
    return Local(chosen)


def print_urls(servers: Local | Docker, names: list[str]) -> None:
    for name in names:
        if url := servers.url(name):
            print(f"export STORES_{name.upper()}={url}", flush=True)


def print_status(servers: Local | Docker, names: list[str], as_json: bool) -> int:
    rows = [servers.status(name) for name in names]
    if as_json:
        print(json.dumps(rows))
    else:
        for row in rows:
            words = [f"{row['name']:<10}{row['state']:<10}{row['port'] or '-':>6}"]
            if "pid" in row:
                words.append(
                    f"pid {row['pid']:<8}{row['memory_mb']:>6} MB {row['cpu_s']:>8} CPU-s  {row['profile']}"
                )
            print("  ".join(words))
    return 0 if all(row["state"] == "healthy" for row in rows) else 3


def run(given: argparse.Namespace) -> int:
    unknown = [name for name in given.names if name not in NAMES]
    if unknown:
        raise Failure(f"no server is called {unknown[0]}: {', '.join(NAMES)}", 2)
    names, servers = given.names or list(NAMES), choose(given, settings(given))
    if given.command in ("kill9", "pause", "resume", "logs") and len(given.names) != 1:
        raise Failure(f"{given.command}: name one of {', '.join(NAMES)}", 2)
    match given.command:
        case "up":
            servers.up(names)
            print_urls(servers, names)
        case "env":
            print_urls(servers, names)
        case "status":
            return print_status(servers, names, given.json)
        case "down":
            servers.down(names)
        case "wipe":
            servers.wipe(names)
        case "kill9":
            servers.kill(names[0])
        case "pause":
            servers.pause(names[0])
        case "resume":
            servers.resume(names[0])
        case "install":
            servers.install(names)
        case "logs":
            return subprocess.run(servers.logs(names[0])).returncode
    return 0


def main() -> None:
    try:
        sys.exit(run(parser().parse_intermixed_args()))
    except Failure as failure:
        say(str(failure))
        sys.exit(failure.code)
    except KeyboardInterrupt:
        sys.exit(130)
