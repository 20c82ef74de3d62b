"""What the commands say: progress, and why something could not be done."""

from __future__ import annotations

import sys


class Failure(Exception):
    """What went wrong and what mends it; the command ends with `code`."""

    def __init__(self, text: str, code: int = 1) -> None:
        super().__init__(text)
        self.code = code


def say(text: str) -> None:
    """Progress, to stderr: stdout is for what a shell evaluates."""
    print(f"servers: {text}", file=sys.stderr, flush=True)
