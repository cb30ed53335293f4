"""The sample agency is the same each time, really opens, and belongs to nobody."""

import hashlib
import re
import sqlite3
import struct
import zlib
from collections import Counter

import pytest

from simulators.chance import SimulatedRandomness
from tocsin.workspace import load, making
from tocsin.workspace.sample import data_files

# SQLite writes its own version number into its files, so the database is compared by its content below.
DIGEST = "12cc6af4ff4a6120e69e62886fb1b4071b0a66d68aade4a6916cbe7f1500c825"


@pytest.fixture(scope="module")
def files():
    return dict(data_files())


def digest(found):
    total = hashlib.sha256()
    for name, content in sorted(found.items()):
        if not name.endswith(".sqlite"):
            total.update(name.encode() + b"\0" + hashlib.sha256(content).digest())
    return total.hexdigest()


def test_it_is_the_same_bytes_each_time(files):
    assert dict(data_files()) == files
    assert digest(files) == DIGEST


def test_it_is_about_fifty_megabytes(files):
    assert 45_000_000 < sum(len(content) for content in files.values()) < 55_000_000


def test_its_workspace_has_what_a_small_agency_has(tmp_path):
    making.make_workspace(tmp_path, SimulatedRandomness(), login="maya", schemas={}, sample=True)
    workspace = load(tmp_path)
    assert workspace.warnings == ()
    assert (len(workspace.people), len(workspace.clients), len(workspace.datasets)) == (4, 3, 6)
    assert [client.id for client in workspace.clients_of(workspace.datasets_on(["file-share"]))] == [
        "harbour-dental",
        "northgate-homes",
    ]
    assert {drill.backup_plan for drill in workspace.drills.values()} == set(workspace.backup_plans)
    assert all(workspace.resolve(path).exists() for plan in workspace.backup_plans.values() for path in plan.paths)
    assert all(workspace.resolve(path).is_dir() for system in workspace.systems.values() for path in system.paths)


def test_every_name_address_and_number_is_reserved_for_examples(files):
    texts = [
        content.decode("latin-1")
        for name, content in files.items()
        if name.endswith((".csv", ".sql", ".md", ".html"))
    ]
    everything = "\n".join(texts)
    domains = {found.rsplit("@")[-1] for found in re.findall(r"[\w.]+@[\w.]+", everything)}
    assert domains == {"example.com"}
    assert all(
        re.match("07700 900|0117 496 0", found) for found in re.findall(r"\b0\d{3,4} \d{3} ?\d+", everything)
    )
    banks = set(re.findall(r"\b\d\d-\d\d-\d\d(?= \d{8})", everything))
    assert banks == {"00-00-00"}


def test_the_database_opens_and_is_whole(files, tmp_path):
    (tmp_path / "crm.sqlite").write_bytes(files["data/crm/crm.sqlite"])
    database = sqlite3.connect(tmp_path / "crm.sqlite")
    try:
        assert database.execute("PRAGMA integrity_check").fetchone() == ("ok",)
        assert database.execute("SELECT count(*) FROM contacts").fetchone() == (3200,)
        orphans = "SELECT count(*) FROM enquiries WHERE contact_id NOT IN (SELECT id FROM contacts)"
        assert database.execute(orphans).fetchone() == (0,)
    finally:
        database.close()


def test_the_dump_has_every_row_and_closes_every_table(files):
    lines = files["data/shop-database/shop.sql"].decode().splitlines()
    tables = [line for line in lines if line.startswith("COPY ")]
    assert len(tables) == lines.count("\\.") == 2
    assert Counter(len(line.split("\t")) for line in lines if "\t" in line) == {5: 9000, 6: 45_000}
    assert lines[-2] == "-- PostgreSQL database dump complete"


def test_a_photograph_is_a_true_png(files):
    name = next(name for name in files if name.endswith(".png"))
    content = files[name]
    assert content.startswith(b"\x89PNG\r\n\x1a\n")
    position, pixels, size = 8, b"", (0, 0)
    while position < len(content):
        length, kind = struct.unpack(">I4s", content[position : position + 8])
        body = content[position + 8 : position + 8 + length]
        (check,) = struct.unpack(">I", content[position + 8 + length : position + 12 + length])
        assert check == zlib.crc32(kind + body)
        size = struct.unpack(">II", body[:8]) if kind == b"IHDR" else size
        pixels += body if kind == b"IDAT" else b""
        position += 12 + length
    width, height = size
    assert len(zlib.decompress(pixels)) == height * (1 + 3 * width)


def test_a_letters_table_of_objects_points_at_them(files):
    content = next(content for name, content in files.items() if name.endswith(".pdf"))
    start = int(content.split(b"startxref\n")[1].split()[0])
    entries = content[start:].splitlines()[3:]
    offsets = [int(entry.split()[0]) for entry in entries if entry.endswith(b" n ")]
    assert len(offsets) == 7
    for number, offset in enumerate(offsets, start=1):
        assert content[offset:].startswith(b"%d 0 obj" % number)
