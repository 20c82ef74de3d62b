"""The Java that a server needs, and the flags that bound it."""

from __future__ import annotations

import glob
import os
import re
import shutil
from collections.abc import Iterator, Sequence
from pathlib import Path

from . import packages
from .failure import Failure
from .settings import Settings

HOMES = ("/usr/lib/jvm/*", "/opt/java/*", "/opt/*jdk*", "~/.sdkman/candidates/java/*")


def homes() -> Iterator[Path]:
    """Everything that may be a Java: what the environment names (CI machines name several), then the usual places."""
    for name, value in sorted(os.environ.items()):
        if name.startswith("JAVA_HOME") and value:
            yield Path(value)
    if found := shutil.which("java"):
        yield Path(found).resolve().parent.parent
    for pattern in HOMES:
        yield from (Path(path) for path in sorted(glob.glob(os.path.expanduser(pattern))))


def major(home: Path) -> int | None:
    """Its feature release, from the file that every Java since 9 has."""
    try:
        release = (home / "release").read_text()
    except OSError:
        return None
    version = re.search(r'^JAVA_VERSION="(\d+)', release, re.MULTILINE)
    return int(version[1]) if version and (home / "bin/java").exists() else None


def find(releases: Sequence[int]) -> str | None:
    """The program of the first of these releases that is here."""
    here = {major(home): home for home in homes()}
    return next((str(here[release] / "bin/java") for release in releases if release in here), None)


def program(releases: Sequence[int]) -> str:
    """As `find`, installing Java 17 where there is none that fits."""
    found = find(releases)
    if found is None:
        packages.install("java")
        found = find(releases)
    if found is None:
        fitting = " or ".join(map(str, releases))
        raise Failure(f"no Java {fitting} found: install one, or name it with JAVA_HOME")
    return found


def bounds(settings: Settings, heap_mb: int) -> list[str]:
    """Heap and compiler. test: least work until the first answer; load: what a production server has."""
    flags = [f"-Xmx{heap_mb}m", "-XX:+ExitOnOutOfMemoryError", "-XX:-UsePerfData", "-Djava.awt.headless=true"]
    if settings.load():
        return [f"-Xms{heap_mb}m", "-XX:+UseG1GC", "-XX:MaxGCPauseMillis=50", *flags]
    return ["-Xms128m", "-XX:+UseSerialGC", "-XX:TieredStopAtLevel=1", *flags]
