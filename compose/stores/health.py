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


def kafka(port: int) -> bool:
    """Metadata, version 4, of no topics: the broker knows at least itself."""
    body = struct.pack(">hhih", 3, 4, 1, 6) + b"health" + struct.pack(">i?", 0, False)
    framed = lambda got: len(got) >= 4 and len(got) >= 4 + struct.unpack(">i", got[:4])[0]  # noqa: E731
    answer = ask(port, [struct.pack(">i", len(body)) + body], framed)
    correlation, _throttled, brokers = struct.unpack(">iii", answer[4:16])
    return correlation == 1 and brokers > 0


def cassandra(port: int) -> bool:
    """A row of its own tables, over CQL's native protocol version 4."""

    def frame(opcode: int, body: bytes) -> bytes:
        return struct.pack(">BBhBI", 4, 0, 0, opcode, len(body)) + body

    word = lambda text: struct.pack(">H", len(text)) + text  # noqa: E731
    statement = b"SELECT key FROM system.local"
    startup = frame(1, struct.pack(">H", 1) + word(b"CQL_VERSION") + word(b"3.0.0"))
    query = frame(7, struct.pack(">I", len(statement)) + statement + struct.pack(">HB", 1, 0))
    framed = lambda got: len(got) >= 9 and len(got) >= 9 + struct.unpack(">I", got[5:9])[0]  # noqa: E731
    answer = ask(port, [startup, query], framed)
    return answer[4] == 8


def postgres(port: int) -> bool:
    """It asks who one is, or lets one in: while it starts or recovers it answers with an error instead."""
    body = struct.pack(">I", 196608) + b"user\0chatd\0database\0postgres\0\0"
    answer = ask(port, [struct.pack(">I", len(body) + 4) + body], lambda got: len(got) >= 1)
    return answer[:1] == b"R"


def redis(port: int) -> bool:
    """PONG: while it still loads its file it answers -LOADING."""
    return ask(port, [b"PING\r\n"], lambda got: b"\r\n" in got) == b"+PONG\r\n"
