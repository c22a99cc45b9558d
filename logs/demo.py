"""What `make demo` shows of logs: nothing is made, since every producer fills the page."""


def seed() -> dict[str, str]:
    """What to open: paths, with what they show."""
    return {"/logs/": "the logs of every service"}
