"""The fault suite: `python -m tests.faults`. Each row breaks something real under load, and counts what came of it."""
