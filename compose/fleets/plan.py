"""Which processes make up an installation, on which ports, and how each is started."""

from __future__ import annotations

import json
import os
from dataclasses import dataclass
from pathlib import Path

# In the order of their ports, counted from the gateway's.
SERVICES = ["gateway", "auth", "user", "presence", "chat", "websocket", "media", "notification"]
# A second process of a service counts from here on.
STEP = 100
STORES = ["kafka", "cassandra", "postgres", "redis"]


@dataclass(frozen=True)
class Member:
    """One process: `chat-2` is the second of the chat service."""

    name: str
    roles: list[str]
    base: int

    @property
    def lowest(self) -> int:
        return self.base + min(SERVICES.index(role) for role in self.roles)

    @property
    def admin(self) -> int:
        return self.lowest + 10

    def port(self, service: str) -> int:
        return self.base + SERVICES.index(service)


def members(base: int, counts: dict[str, int], embedded: bool) -> list[Member]:
    """The processes of an installation whose gateway listens on `base`."""
    if embedded:
        core = Member("core", [role for role in SERVICES if role != "websocket"], base)
        return [core, *several("websocket", base, counts.get("websocket", 2))]
    return [one for service in SERVICES for one in several(service, base, counts.get(service, 1))]


def several(service: str, base: int, count: int) -> list[Member]:
    names = [service] if count == 1 else [f"{service}-{number + 1}" for number in range(count)]
    return [Member(name, [service], base + STEP * number) for number, name in enumerate(names)]


def gateway(gate: Member, all_members: list[Member]) -> dict[str, list[str]]:
    """Where a gateway finds each service that is not in its own process.

    With several gateways each knows only the websocket process of its own number: who comes by another gateway is sure to
    sit on another process.
    """
    table: dict[str, list[str]] = {}
    gates = [member for member in all_members if "gateway" in member.roles]
    for member in all_members:
        for role in member.roles:
            apart = role == "websocket" and len(gates) > 1 and member.base != gate.base
            if "gateway" not in member.roles and not apart:
                table.setdefault(role, []).append(f"http://127.0.0.1:{member.port(role)}")
    return table


def arguments(member: Member, all_members: list[Member], data: Path, sets: list[str]) -> list[str]:
    """The command line of a process, behind the program."""
    words = [] if len(member.roles) > 1 else [member.roles[0]]
    if len(member.roles) > 1:
        words += ["--roles", ",".join(member.roles)]
    words += ["--data", str(data), "--port", str(member.base), "--log-format", "json"]
    if "gateway" in member.roles:
        for service, addresses in gateway(member, all_members).items():
            words += ["--set", f"gateway.{service}={json.dumps(addresses)}"]
    for pair in sets:
        words += ["--set", pair]
    return words


def environment(embedded: bool, prefix: str) -> dict[str, str]:
    """What the processes are started with: the engines of STORES_*, under a prefix of this installation."""
    clean = {name: text for name, text in os.environ.items() if not name.startswith("CHATD_")}
    if embedded:
        return clean
    missing = [f"STORES_{store.upper()}" for store in STORES if f"STORES_{store.upper()}" not in clean]
    if missing:
        raise KeyError(" ".join(missing))
    urls = {store: clean[f"STORES_{store.upper()}"] for store in STORES}
    name = prefix.lower()
    urls["kafka"] += f"?prefix={name}."
    urls["redis"] = f"{urls['redis'].rstrip('/')}/?prefix={name}:"
    for store in ("cassandra", "postgres"):
        scheme, rest = urls[store].split("://", 1)
        urls[store] = f"{scheme}://{rest.split('/', 1)[0]}/{name}"
    return {**clean, **{f"CHATD_STORES__{store.upper()}": url for store, url in urls.items()}}
