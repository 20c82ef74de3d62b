"""Whether a server answers, asked in its own protocol and without a client library."""

from __future__ import annotations

import socket
import struct
from collections.abc import Callable

TIMEOUT_S = 3.0


def ask(port: int, parts: list[bytes], enough: Callable[[bytes], bool]) -> bytes:
    """Sends each part and reads its answer; the last answer, cut short if the server hung up."""
    got = b""
    with socket.create_connection(("127.0.0.1", port), timeout=TIMEOUT_S) as link:
        for part in parts:
            link.sendall(part)
            got = b""
            while not enough(got):
                more = link.recv(65536)
                if not more:
                    return got
                got += more
    return got


def framed(got: bytes, at: int) -> bool:
    """Whether the four bytes there and as many bytes as they say have come."""
    head = at + 4
    return len(got) >= head and len(got) >= head + int.from_bytes(got[at:head], "big")


def kafka(port: int) -> bool:
    """Metadata, version 4, of no topics: the broker knows at least itself."""
    body = struct.pack(">hhih", 3, 4, 1, 6) + b"health" + struct.pack(">i?", 0, False)
    answer = ask(port, [struct.pack(">i", len(body)) + body], lambda got: framed(got, 0))
    correlation, _throttled, brokers = struct.unpack(">iii", answer[4:16])
    return bool(correlation == 1 and brokers > 0)


def cassandra(port: int) -> bool:
    """A row of its own tables, over CQL's native protocol version 4."""

    def frame(opcode: int, body: bytes) -> bytes:
        return struct.pack(">BBhBI", 4, 0, 0, opcode, len(body)) + body

    def word(text: bytes) -> bytes:
        return struct.pack(">H", len(text)) + text

    statement = b"SELECT key FROM system.local"
    startup = frame(1, struct.pack(">H", 1) + word(b"CQL_VERSION") + word(b"3.0.0"))
    query = frame(7, struct.pack(">I", len(statement)) + statement + struct.pack(">HB", 1, 0))
    answer = ask(port, [startup, query], lambda got: framed(got, 5))
    return answer[4] == 8


def postgres(port: int) -> bool:
    """It asks who one is, or lets one in: while it starts or recovers it answers with an error instead."""
    body = struct.pack(">I", 196608) + b"user\0chatd\0database\0postgres\0\0"
    answer = ask(port, [struct.pack(">I", len(body) + 4) + body], lambda got: len(got) >= 1)
    return answer[:1] == b"R"


def redis(port: int) -> bool:
    """PONG: while it still loads its file it answers -LOADING."""
    return ask(port, [b"PING\r\n"], lambda got: b"\r\n" in got) == b"+PONG\r\n"
