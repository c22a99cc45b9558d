"""Log lines that mean harm, by what is wrong with them."""

import json
from typing import Any


def as_json(value: Any) -> bytes:
    return json.dumps(value).encode()


CORPUS = {
    "script": b'<script>alert(1)</script>',
    "script in every field": as_json(
        {"message": "</script><script>alert(1)</script>", "level": "<img src=x onerror=alert(1)>",
         "service": "\"><svg onload=alert(1)>", "<b>": ["<iframe>"], "trace_id": "javascript:alert(1)"}),
    "right to left": as_json({"message": "gro\u202eexe.txt\u2066", "service": "\u202epay", "k\u202e": "\u202e"}),
    "ansi": "\x1b[2J\x1b[1;31mERROR\x1b[0m \x1b]8;;http://x\x1b\\link\x1b]8;;\x1b\\ \x9b31m".encode(),
    "line ends": as_json({"message": "one\r\ntwo\rthree\nfour\u2028five\x85six", "service": "a\r\nb"}),
    "one mebibyte": b"x" * 1024 * 1024,
    "one mebibyte of spaces in a level": b"2024-01-01 10:00:00 " + b" " * (1024 * 1024 - 40) + b"ERROR",
    "one mebibyte of brackets": b"[" * 1024 * 1024,
    "one mebibyte of logfmt": b"level=info " + b"a=b " * 250_000,
    "one mebibyte of quotes": b'level=info msg="' + b'\\"' * 500_000,
    "one mebibyte of stack": as_json({"level": "error", "message": "x" + "\n\tat a.b(C.java:1)" * 50_000}),
    "deep json": b'{"a":' * 100_000 + b"1" + b"}" * 100_000,
    "deep lists": b'{"level":"info","a":' + b"[" * 5_000 + b"]" * 5_000 + b"}",
    "lone surrogates": b'{"message":"\\ud800 \\udfff","service":"\\ud800","\\udc00":"\\ud800"}',
    "lone surrogates in bytes": "a\ud800b".encode("utf-8", "surrogatepass"),
    "numbers": b'{"message":"x","level":1e400,"a":-1e400,"b":NaN,"c":Infinity,"d":123456789012345678901234567890}',
    "a number of many digits": b'{"message":"x","level":"info","a":' + b"9" * 10_000 + b"}",
    "one key twice": b'{"level":"info","level":"error","message":"a","message":"b"}',
    "structured data without end": b'<34>1 - h a 1 - [x@1 a="' + b'\\"]' * 100_000,
    "prototype": b'{"__proto__":{"polluted":true},"constructor":{"prototype":{}},"message":"x","level":"info"}',
}  # fmt: skip
