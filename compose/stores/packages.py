"""What only the system's package manager has: a Java, Maven, Redis."""

from __future__ import annotations

import os
import shutil
import subprocess

from .failure import Failure, say

# Debian's redis-server package starts a service by itself; redis-tools holds the same program and starts none.
PACKAGES = {
    "apt-get": {"java": "openjdk-17-jre-headless", "maven": "maven", "redis": "redis-tools"},
    "dnf": {"java": "java-17-openjdk-headless", "maven": "maven", "redis": "redis"},
    "apk": {"java": "openjdk17-jre-headless", "maven": "maven", "redis": "redis"},
    "pacman": {"java": "jre17-openjdk-headless", "maven": "maven", "redis": "redis"},
}
COMMANDS = {
    "apt-get": [
        ["apt-get", "-qq", "-o", "DPkg::Lock::Timeout=300", "update"],
        ["apt-get", "-qq", "-o", "DPkg::Lock::Timeout=300", "install", "--yes", "--no-install-recommends"],
    ],
    "dnf": [["dnf", "--quiet", "--assumeyes", "install"]],
    "apk": [["apk", "--quiet", "add"]],
    "pacman": [["pacman", "--sync", "--refresh", "--noconfirm", "--needed"]],
}


def install(what: str) -> None:
    """Installs java, maven or redis; as root, or by sudo where that asks no password."""
    manager = next((name for name in PACKAGES if shutil.which(name)), None)
    if manager is None:
        raise Failure(
            f"{what} is missing and none of {', '.join(PACKAGES)} is here: install {what} and try again"
        )
    package = PACKAGES[manager][what]
    *before, last = [list(command) for command in COMMANDS[manager]]
    steps = [*before, [*last, package]]
    ahead: list[str] = []
    if os.geteuid() != 0:
        if not shutil.which("sudo") or subprocess.run(["sudo", "-n", "true"], capture_output=True).returncode:
            raise Failure(f"{what} is missing: run `sudo {' '.join(steps[-1])}` and try again")
        ahead = ["sudo", "-n"]
    say(f"{what}: installing {package} with {manager}")
    for step in steps:
        env = {**os.environ, "DEBIAN_FRONTEND": "noninteractive"}
        done = subprocess.run(
            ahead + step, env=env, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True
        )
        # Stale lists still install most things; the last step decides.
        if done.returncode and step is steps[-1]:
            raise Failure(f"`{' '.join(step)}` failed:\n{done.stdout[-2000:]}")
