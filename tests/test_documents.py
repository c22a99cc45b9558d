"""The documents are true: links lead somewhere, code compiles, commands run, generated parts are as the code tells."""

from __future__ import annotations

import ast
import json
import os
import re
import shutil
import subprocess
import tomllib
from collections.abc import Iterator
from configparser import ConfigParser
from pathlib import Path

import pytest
import sqlparse
import yaml

from compose.local.kafka import DEFAULT_PORT as KAFKA_PORT
from compose.local.process import Process, is_free
from compose.local.redis import DEFAULT_PORT as REDIS_PORT
from tests.documents import Block, Reader, blocks, checkout, documents
from tests.generated import REFERENCE, rewritten
from tests.servers import ROOT, free_ports, http_status, missing

ALL = [block for document in documents() for block in blocks(document)]
COMMANDS = [block for block in ALL if block.is_command]
LINK = re.compile(r"(?<!\!)\[(?:[^\[\]]|\[[^\]]*\])*\]\(([^)\s]+)\)|!\[[^\]]*\]\(([^)\s]+)\)")
OF_CI = {"make test", "make lint", "make faults"}
"""Commands that are steps of CI themselves: `.ci/run` has them."""
DEMO = "make demo"
OF_ANOTHER_TEST = {"docs/how-to/add-a-stream.md": "tests/test_add_a_stream.py"}
DOCKER = re.compile(r"(docker compose .*|cp compose/\.env\.example compose/\.env.*)")
OF_THE_TESTS = ("REDIS_URL", "KAFKA_BOOTSTRAP_SERVERS", "DJANGO_SETTINGS_MODULE")
"""Settings that a test run has, and nobody who reads a document."""
LANGUAGES = {"python", "js", "json", "yaml", "toml", "ini", "sql", "html", "mermaid", "rsyslog", "alloy"}


def named(document: Path) -> str:
    return str(document.relative_to(ROOT))


def prose(document: Path) -> str:
    """Without fenced blocks, in which brackets are no links."""
    return re.sub(r"^( *)```.*?^\1```$", "", document.read_text(encoding="utf-8"), flags=re.M | re.S)


def anchors(document: Path) -> set[str]:
    """The headings, as a forge names them."""
    headings = re.findall(r"^#+ (.+)$", prose(document), re.M)
    return {re.sub(r"[^\w\- ]", "", heading.strip().lower()).replace(" ", "-") for heading in headings}


@pytest.mark.parametrize("document", documents(), ids=named)
def test_every_link_leads_to_a_file_and_a_heading(document: Path) -> None:
    lost = []
    for match in LINK.finditer(prose(document)):
        target = match[1] or match[2]
        if re.match(r"(https?|mailto):", target):
            continue
        path, _, anchor = target.partition("#")
        file = (document.parent / path).resolve() if path else document
        if not file.exists() or (anchor and anchor not in anchors(file)):
            lost.append(target)
    assert lost == []


def test_every_document_can_be_reached_from_the_readme() -> None:
    seen, todo = set(), [ROOT / "README.md"]
    while todo:
        document = todo.pop()
        if document in seen or document.suffix != ".md":
            continue
        seen.add(document)
        links = (match[1] or match[2] for match in LINK.finditer(prose(document)))
        paths = [link.partition("#")[0] for link in links if not link.startswith("http")]
        todo += [(document.parent / path).resolve() for path in paths if path and (document.parent / path).is_file()]
    assert [named(document) for document in documents() if document not in seen] == []


@pytest.mark.parametrize("block", [block for block in ALL if not block.is_command], ids=lambda block: block.where)
def test_what_is_no_command_is_well_formed(block: Block, tmp_path: Path) -> None:
    assert block.language in LANGUAGES, f"a block of {block.language!r} is not looked at by any test"
    if block.language == "python":
        ast.parse(block.text)
    elif block.language == "json":
        json.loads(block.text)
    elif block.language == "yaml":
        assert isinstance(yaml.safe_load(block.text), dict)
    elif block.language == "toml":
        tomllib.loads(block.text)
    elif block.language == "sql":
        assert all(statement.startswith("CREATE ") for statement in sqlparse.split(block.text.strip()))
    elif block.language == "ini":
        ConfigParser(strict=True, interpolation=None).read_string(block.text)
    elif block.language == "js":
        (tmp_path / "block.mjs").write_text(block.text.replace("…", "{}"))
        checked = subprocess.run(["node", "--check", "block.mjs"], cwd=tmp_path, capture_output=True, text=True)
        assert checked.returncode == 0, checked.stderr


def test_only_what_needs_docker_is_not_run_and_the_index_says_why() -> None:
    skipped = [block for block in ALL if "no-run" in block.words]
    listed = re.findall(r"^\| \[([^\]]+)\]\([^)]+\) \| (.+) \|$", (ROOT / "docs" / "README.md").read_text(), re.M)

    assert skipped
    for block in skipped:
        lines = [line for line in block.text.splitlines() if line.strip()]
        assert all(DOCKER.fullmatch(line) for line in lines), block.where
    assert {str(Path("docs") / name) if name != "README.md" else name for name, _ in listed} == {
        named(block.document) for block in skipped
    }


def test_what_ci_runs_itself_is_in_its_script() -> None:
    steps = (ROOT / ".ci" / "run").read_text()
    assert all(re.search(rf"^{command}\b", steps, re.M) for command in OF_CI)


def test_the_generated_parts_of_the_reference_are_as_the_code_tells() -> None:
    text = REFERENCE.read_text(encoding="utf-8")
    assert rewritten(text) == text, "run `make docs`"


@pytest.fixture(scope="module")
def running(tmp_path_factory: pytest.TempPathFactory, postgres_url: str) -> Iterator[tuple[Path, dict[str, str], int]]:
    """`make demo` in a fresh checkout, on PostgreSQL: its folder, its settings, its port."""
    for program in ("kcat", "make", "curl", "pg_dump", "psql"):
        if shutil.which(program) is None:
            missing(f"{program} is not installed")
    if not (is_free(KAFKA_PORT) and is_free(REDIS_PORT)):
        missing("a demo is running on this machine")
    folder, port = tmp_path_factory.mktemp("documents") / "sightline", free_ports()
    checkout(folder)
    for name in (".venv", "node_modules"):
        (folder / name).symlink_to(ROOT / name)
    for name in ("requirements.txt", "requirements-dev.txt", "package-lock.json"):
        os.utime(folder / name, (0, 0))  # the environment is there, and up to date
    env = {"DATABASE_URL": postgres_url, "PORT": str(port)}
    process = Process(
        DEMO,
        ["env", *(f"--unset={name}" for name in OF_THE_TESTS), "make", "demo"],
        log=folder.parent / "demo.log",
        env=env,
        cwd=folder,
    )
    process.start()
    try:
        process.wait_until(lambda: "Ctrl-C stops everything" in process.log.read_text(), 150)
        assert http_status(f"http://127.0.0.1:{port}/readyz") == 200
        yield folder, env, port
    finally:
        process.stop()


def to_run(document: Path) -> list[Block]:
    """Its commands but for those that are run elsewhere, with the demo running already."""
    found = []
    for block in blocks(document):
        lines = [line for line in block.text.splitlines() if line.strip() not in OF_CI | {DEMO}]
        if block.is_command and "no-run" not in block.words and any(map(str.strip, lines)):
            found.append(block._replace(text="\n".join(lines) + "\n"))
    return found


@pytest.mark.parametrize(
    "document",
    [document for document in documents() if to_run(document) and named(document) not in OF_ANOTHER_TEST],
    ids=named,
)
def test_every_command_of_a_document_runs(
    document: Path, running: tuple[Path, dict[str, str], int], tmp_path: Path
) -> None:
    folder, env, port = running
    replaced = {"127.0.0.1:8000": f"127.0.0.1:{port}"}
    reader = Reader(folder, tmp_path / "notes", env, replaced, without=OF_THE_TESTS)
    try:
        for block in to_run(document):
            reader.follow(block)
    finally:
        reader.end()


def test_a_reader_keeps_what_is_exported_and_a_command_that_fails_is_told(tmp_path: Path) -> None:
    reader = Reader(tmp_path, tmp_path / "notes", {"GIVEN": "1"})
    block = COMMANDS[0]

    reader.follow(block._replace(text="export KEPT=two\nmkdir here\ncd here\n", words=(), file=""))
    said = reader.follow(block._replace(text='echo "$GIVEN $KEPT $PWD"\n', words=(), file=""))
    assert said.strip() == f"1 two {tmp_path / 'here'}"
    for broken in ("false\ntrue\n", "false | cat\n", "no-such-program\n"):
        with pytest.raises(pytest.fail.Exception, match=re.escape(block.where)):
            reader.follow(block._replace(text=broken, words=(), file=""))


def test_the_documents_have_commands_that_are_run() -> None:
    assert sum(len(to_run(document)) for document in documents()) >= 20
    assert all((ROOT / test).is_file() for test in OF_ANOTHER_TEST.values())
