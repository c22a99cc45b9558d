"""Stack traces in text: where one begins, and which exception it is of (pure)."""

import re

# Python's and Java's forms, .NET's and JavaScript's `at`, Go's goroutines.
_BEGINS = re.compile(
    r"\n(?=Traceback \(most recent call last\):|goroutine \d+ \["
    r"|(?:[\w.$]+(?:Exception|Error|Throwable)\b[^\n]{0,2000}\n)?[ \t]+at [^\n]{1,500}"
    r"|[ \t]+File \"[^\"\n]{1,500}\", line \d)"
)
_NAMED = re.compile(r"(?:[A-Za-z_$][\w$]*[.:]{1,2})*[A-Z][\w$]*\b[^\n]*")
LONGEST = 300


def split(message: str) -> tuple[str, str]:
    """A message without the stack trace that follows it, and the trace; empty where there is none."""
    found = _BEGINS.search(message)
    if found is None:
        return message, ""
    first, stack = message[: found.start()].rstrip(), message[found.start() + 1 :]
    # A message that is but the exception stays with its trace, so that the trace can be copied whole.
    return first, stack


def exception_in(stack: str) -> str:
    """The line of a trace that names its exception: Python writes it last, all others first."""
    lines = [line for line in stack.strip().split("\n") if line and not line[0].isspace()]
    if not lines:
        return ""
    is_python = "Traceback (most recent call last)" in stack
    line = lines[-1] if is_python else lines[0]
    return line[:LONGEST] if _NAMED.match(line) else ""
