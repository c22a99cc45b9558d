"""nginx with the project's own configuration, in front of web processes on this machine."""

from __future__ import annotations

import os
import shutil
from collections.abc import Sequence
from pathlib import Path

from compose.local.process import Process, answers
from tests.servers import ROOT, free_ports, missing

TEMPLATES = ROOT / "compose" / "proxy"


class Nginx:
    """Listens on a port of its own; `instead` replaces text of the configuration, to be a proxy of another kind.

    With `tls`, a certificate and its key, it listens for TLS there, and on `plain_port` sends everybody to it.
    """

    def __init__(
        self,
        folder: Path,
        ports: Sequence[int],
        instead: dict[str, str] | None = None,
        tls: tuple[Path, Path] | None = None,
    ) -> None:
        binary = shutil.which("nginx", path=f"{os.environ['PATH']}:/usr/sbin")
        if binary is None:
            missing("nginx is not installed")
        self.port, self.plain_port = free_ports(), free_ports()
        self.base_url = f"{'https' if tls else 'http'}://127.0.0.1:{self.port}"
        values = {
            "LISTEN": f"127.0.0.1:{self.port}{' ssl' if tls else ''}",
            "TLS": f"ssl_certificate {tls[0]}; ssl_certificate_key {tls[1]};" if tls else "",
            "SERVERS": " ".join(f"server 127.0.0.1:{port} max_fails=0;" for port in ports),
            "CACHE": str(folder / "cache"),
            "PLAIN": f"127.0.0.1:{self.plain_port}",
            "HTTPS_PORT": str(self.port),
        }
        names = ["sightline", "redirect"] if tls else ["sightline"]
        site = "\n".join(filled(TEMPLATES / f"{name}.conf.template", values) for name in names)
        for old, new in (instead or {}).items():
            assert old in site, f"{old!r} is not in the configuration"
            site = site.replace(old, new)
        folder.mkdir(parents=True, exist_ok=True)
        paths = "".join(f"{name}_temp_path {folder / name};" for name in ("client_body", "proxy", "fastcgi"))
        paths += "".join(f"{name}_temp_path {folder / name};" for name in ("uwsgi", "scgi"))
        user = "user root;" if os.geteuid() == 0 else ""
        main = f"{user} daemon off; pid {folder / 'pid'}; error_log stderr; worker_processes 1;"
        config = folder / "nginx.conf"
        config.write_text(f"{main}\nevents {{ worker_connections 4096; }}\nhttp {{ {paths}\n{site}\n}}\n")
        command = [binary, "-c", str(config), "-p", str(folder), "-e", "stderr"]
        self.process = Process("nginx", command, log=folder / "nginx.log")

    def __enter__(self) -> Nginx:
        self.process.start()
        self.process.wait_until(lambda: answers("127.0.0.1", self.port), 10)
        return self

    def __exit__(self, *_: object) -> None:
        self.process.stop()


def filled(template: Path, values: dict[str, str]) -> str:
    """The template as the image's start fills it in: the names in braces, and no variable of nginx."""
    text = template.read_text()
    for name, value in values.items():
        text = text.replace(f"${{{name}}}", value)
    return text
