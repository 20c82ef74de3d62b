"""PostgreSQL: the programs that a jar carries, or the system's own of release 15 or newer."""

from __future__ import annotations

import hashlib
import os
import platform
import pwd
import re
import shutil
import signal
import subprocess
import tarfile
import time
import zipfile
from pathlib import Path

from . import health, jars
from .failure import Failure
from .process import identity
from .settings import Launch, Place, Settings

# It refuses to run as root, and its user cannot walk into root's folders: then its files live here.
APART = Path("/var/tmp/chatd-postgres")
USER, DATABASE = "chatd", "chatd"
OLDEST = 15
# Machines that there is such a jar for.
CARRIED = ("x86_64", "aarch64")


class Postgres:
    name = "postgres"
    port = 5432
    inner_ports: tuple[str, ...] = ()
    # Its fast shutdown; SIGTERM would wait until every client has left.
    stop = signal.SIGINT

    def install(self, settings: Settings) -> None:
        programs(settings)

    def launch(self, place: Place) -> Launch:
        user, bin_, store = runs_as(), programs(place.settings), home(place.settings)
        if not (store / "PG_VERSION").exists():
            create(bin_, store, user)
        wait_left(store)
        options = {
            "listen_addresses": "127.0.0.1",
            "port": place.ports["client"],
            "unix_socket_directories": "",
            "max_connections": 200,
            "shared_buffers": "128MB",
            "max_wal_size": "512MB",
            "fsync": "on" if place.settings.load() else "off",
        }
        words = [word for key, value in options.items() for word in ("-c", f"{key}={value}")]
        return Launch([str(bin_ / "postgres"), "-D", str(store), *words], cwd=store, user=user)

    def healthy(self, port: int) -> bool:
        return health.postgres(port)

    def url(self, port: int) -> str:
        return f"postgres://{USER}@127.0.0.1:{port}/{DATABASE}"

    def wipe(self, settings: Settings) -> None:
        shutil.rmtree(home(settings), ignore_errors=True)


def runs_as() -> str | None:
    """Whom it runs as; None is the caller."""
    if os.geteuid() != 0:
        return None
    for name in ("postgres", "nobody"):
        try:
            return pwd.getpwnam(name).pw_name
        except KeyError:
            continue
    raise Failure("postgres refuses to run as root, and there is no user postgres or nobody")


def apart() -> Path:
    """A folder that another user can walk into and nobody else made before us."""
    APART.mkdir(mode=0o755, exist_ok=True)
    if APART.is_symlink() or APART.stat().st_uid != os.geteuid():
        raise Failure(f"{APART} belongs to somebody else: remove it")
    return APART


def home(settings: Settings) -> Path:
    """The folder with its data."""
    if runs_as() is None:
        return settings.data / "postgres" / "store"
    return apart() / hashlib.sha256(str(settings.data).encode()).hexdigest()[:16]


def programs(settings: Settings) -> Path:
    """The folder with initdb and postgres: the pinned ones, or the system's where those do not run."""
    if platform.libc_ver()[0] == "glibc" and platform.machine() in CARRIED:
        lib = jars.fetch(f"postgres-{platform.machine()}", settings.downloads)
        tree = (apart() if runs_as() else settings.downloads) / f"programs-{lib.name}"
        if not tree.exists():
            unpack(next(lib.glob("*.jar")), tree)
        return tree / "bin"
    for found in sorted(Path("/usr/lib/postgresql").glob("*/bin"), key=release, reverse=True):
        if release(found) >= OLDEST and (found / "initdb").exists():
            return found
    raise Failure(f"no PostgreSQL of release {OLDEST} or newer in /usr/lib/postgresql: install it")


def release(folder: Path) -> int:
    """15 for /usr/lib/postgresql/15/bin."""
    number = re.match(r"\d+", folder.parent.name)
    return int(number[0]) if number else 0


def unpack(jar: Path, into: Path) -> None:
    """The jar holds one archive with the programs and what they need."""
    part = Path(f"{into}.{os.getpid()}.part")
    part.mkdir()
    with zipfile.ZipFile(jar) as outer:
        inner = next(name for name in outer.namelist() if name.endswith(".txz"))
        with outer.open(inner) as stream, tarfile.open(fileobj=stream, mode="r|xz") as archive:
            kept = {"filter": "tar"} if hasattr(tarfile, "tar_filter") else {}
            archive.extractall(part, **kept)  # type: ignore[arg-type]
    try:
        part.rename(into)
    except OSError:
        # Another call was faster.
        shutil.rmtree(part)


def create(programs_: Path, store: Path, user: str | None) -> None:
    """An empty cluster with our database in it."""
    shutil.rmtree(store, ignore_errors=True)
    store.mkdir(mode=0o700, parents=True)
    if user:
        os.chown(store, pwd.getpwnam(user).pw_uid, pwd.getpwnam(user).pw_gid)
    common = ["-D", str(store)]
    steps: list[tuple[list[str], str]] = [
        (["initdb", *common, "-U", USER, "--auth=trust", "--encoding=UTF8", "--no-locale", "--no-sync"], ""),
        # There may be no psql; one server process alone takes statements from its input.
        (["postgres", "--single", *common, "postgres"], f"CREATE DATABASE {DATABASE};\n"),
    ]
    for argv, text in steps:
        command = [str(programs_ / argv[0]), *argv[1:]]
        done = subprocess.run(
            command,
            input=text,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
            cwd=store,
            **identity(user),
        )
        if done.returncode or "ERROR" in done.stdout:
            shutil.rmtree(store, ignore_errors=True)
            raise Failure(f"postgres: {argv[0]} failed:\n{done.stdout[-2000:]}")


def wait_left(store: Path) -> None:
    """After a kill -9 its children leave by themselves. Its lock file stays and may name a zombie, or by now anybody:
    PostgreSQL, which only asks whether there is such a pid, would refuse to start."""
    limit = time.monotonic() + 10
    while working := [
        entry.name for entry in Path("/proc").iterdir() if entry.name.isdigit() and works_in(entry, store)
    ]:
        if time.monotonic() > limit:
            raise Failure(f"postgres: processes {' '.join(working)} still work in {store}")
        time.sleep(0.05)
    (store / "postmaster.pid").unlink(missing_ok=True)


def works_in(process: Path, folder: Path) -> bool:
    try:
        return os.readlink(process / "cwd") == str(folder)
    except OSError:
        return False
