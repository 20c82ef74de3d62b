"""Jars from a Maven repository: exactly those of a list, each with its SHA-256.

The list (`jars/NAME.sha256`, in sha256sum's form) names paths inside a repository. Which repository is the machine's
business: Maven's settings, or MAVEN_REPOSITORY_URL.
"""

from __future__ import annotations

import hashlib
import os
import shutil
import subprocess
import time
import urllib.error
import urllib.request
import xml.etree.ElementTree as ElementTree
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

from . import packages
from .failure import Failure, say

LISTS = Path(__file__).parent / "jars"
COPY = "org.apache.maven.plugins:maven-dependency-plugin:3.8.1:copy-dependencies"
ATTEMPTS = 3
TIMEOUT_S = 60


def listed(name: str) -> dict[str, str]:
    """Path in the repository → SHA-256."""
    lines = (LISTS / f"{name}.sha256").read_text().splitlines()
    return {path: digest for digest, path in (line.split("  ", 1) for line in lines)}


def fetch(name: str, downloads: Path) -> Path:
    """The folder with the jars of a list, all of them checked; downloaded once."""
    wanted = listed(name)
    pin = hashlib.sha256((LISTS / f"{name}.sha256").read_bytes()).hexdigest()[:12]
    done = downloads / f"{name}-{pin}"
    if done.exists():
        return done
    part = downloads / f"{name}-{pin}.part"
    shutil.rmtree(part, ignore_errors=True)
    part.mkdir(parents=True)
    say(f"{name}: downloading {len(wanted)} jars")
    if shutil.which("mvn") is None and repository() is None:
        packages.install("maven")
    if shutil.which("mvn"):
        by_maven(name, wanted, part)
    else:
        by_get(wanted, part)
    check(name, wanted, part)
    part.rename(done)
    return done


def check(name: str, wanted: dict[str, str], folder: Path) -> None:
    """Every jar of the list is there and is the very one that was pinned."""
    for path, digest in wanted.items():
        file = folder / path.rsplit("/", 1)[1]
        got = hashlib.sha256(file.read_bytes()).hexdigest() if file.exists() else "nothing"
        if got != digest:
            raise Failure(f"{name}: {file.name} has SHA-256 {got}, pinned is {digest}: it is not used")


def coordinates(path: str) -> dict[str, str]:
    """Group, artifact, version and classifier of a path such as org/x/core/1.0/core-1.0-linux.jar."""
    *group, artifact, version, file = path.split("/")
    rest = file.removeprefix(f"{artifact}-{version}").removesuffix(".jar").removeprefix("-")
    found = {"groupId": ".".join(group), "artifactId": artifact, "version": version}
    return {**found, "classifier": rest} if rest else found


def by_maven(name: str, wanted: dict[str, str], into: Path) -> None:
    """Maven resolves nothing here: every jar is named, and what it depends on is left out."""
    only = "<exclusions><exclusion><groupId>*</groupId><artifactId>*</artifactId></exclusion></exclusions>"
    dependencies = "".join(
        "<dependency>"
        + "".join(f"<{tag}>{text}</{tag}>" for tag, text in coordinates(path).items())
        + only
        + "</dependency>"
        for path in wanted
    )
    pom = into / "pom.xml"
    pom.write_text(
        "<project><modelVersion>4.0.0</modelVersion><groupId>chatd</groupId>"
        f"<artifactId>{name}</artifactId><version>1</version><packaging>pom</packaging>"
        f"<dependencies>{dependencies}</dependencies></project>"
    )
    command = [
        "mvn",
        "--batch-mode",
        "--quiet",
        "--strict-checksums",
        "--file",
        str(pom),
        COPY,
        f"-DoutputDirectory={into}",
    ]
    for attempt in range(1, ATTEMPTS + 1):
        done = subprocess.run(
            command, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True
        )
        if done.returncode == 0:
            return pom.unlink()
        time.sleep(2 * attempt)
    raise Failure(f"{name}: mvn could not download the jars:\n{done.stdout[-3000:]}")


def repository() -> str | None:
    """The repository that the environment or Maven's settings name; the settings of a Maven that is here are its own."""
    if url := os.environ.get("MAVEN_REPOSITORY_URL"):
        return url.rstrip("/")
    return mirror(Path.home() / ".m2/settings.xml")


def mirror(settings: Path) -> str | None:
    """The mirror that stands for Maven's central repository in a settings file."""
    try:
        root = ElementTree.parse(settings).getroot()
    except (OSError, ElementTree.ParseError):
        return None
    for entry in root.findall(".//{*}mirror"):
        of, url = (entry.findtext("{*}mirrorOf") or "").split(","), entry.findtext("{*}url")
        if (
            url
            and entry.findtext("{*}blocked") != "true"
            and {"*", "central", "external:*"} & {word.strip() for word in of}
        ):
            return url.strip().rstrip("/")
    return None


def by_get(wanted: dict[str, str], into: Path) -> None:
    """Plain downloads, several at a time."""
    base = repository()

    def one(path: str) -> None:
        file = into / path.rsplit("/", 1)[1]
        for attempt in range(1, ATTEMPTS + 1):
            try:
                with (
                    urllib.request.urlopen(f"{base}/{path}", timeout=TIMEOUT_S) as answer,
                    open(file, "wb") as out,
                ):
                    return shutil.copyfileobj(answer, out)
            except (OSError, urllib.error.URLError) as error:
                if attempt == ATTEMPTS:
                    raise Failure(f"{base}/{path}: {error}") from error
                time.sleep(2 * attempt)

    with ThreadPoolExecutor(8) as pool:
        list(pool.map(one, wanted))
