"""nginx with the project's own configuration, in front of web processes on this machine."""

from __future__ import annotations

import os
import shutil
from collections.abc import Sequence
from pathlib import Path
from string import Template

from compose.local.process import Process, answers
from tests.servers import ROOT, free_ports, missing

TEMPLATE = ROOT / "compose" / "proxy" / "sightline.conf.template"


class Nginx:
    """Listens on a port of its own; `instead` replaces text of the configuration, to be a proxy of another kind."""

    def __init__(self, folder: Path, ports: Sequence[int], instead: dict[str, str] | None = None) -> None:
        binary = shutil.which("nginx", path=f"{os.environ['PATH']}:/usr/sbin")
        if binary is None:
            missing("nginx is not installed")
        self.port = free_ports()
        self.base_url = f"http://127.0.0.1:{self.port}"
        servers = " ".join(f"server 127.0.0.1:{port} max_fails=0;" for port in ports)
        site = Template(TEMPLATE.read_text()).safe_substitute(LISTEN=f"127.0.0.1:{self.port}", SERVERS=servers)
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
