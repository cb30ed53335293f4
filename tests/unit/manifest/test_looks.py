"""What a file is taken for by its first bytes, and what became of a source between two manifests."""

import os
import zlib
from random import Random

import pytest

from simulators.backup_years import HEADS
from tocsin.manifest import NOISE, SMALL, TEXT, Change, Source, take_manifest
from tocsin.manifest.looks import look_of


def test_encrypted_bytes_are_noise():
    assert sum(look_of(os.urandom(4096)) == NOISE for _ in range(300)) >= 295
    assert sum(look_of(os.urandom(300)) == NOISE for _ in range(300)) >= 285


@pytest.mark.parametrize(
    ("head", "look"),
    [
        (b"\xff\xd8\xff\xe0" + os.urandom(4000), "jpeg"),
        (b"PK\x03\x04" + os.urandom(4000), "zip"),
        (b"\x00\x00\x00\x20ftypheic" + os.urandom(4000), "iso-media"),
        ("Grüße aus Köln, ça va? 北京".encode() * 200, TEXT),
        ("Grüße aus Köln, ça va?".encode("latin-1") * 9, TEXT),
        ("Grüße".encode("utf-16") * 200, TEXT),
        (b"", SMALL),
        (bytes(range(128, 160)), SMALL),
        (b"\x00\x01" * 2048, "binary"),
    ],
)
def test_ordinary_files_are_known_by_their_beginning(head, look):
    assert look_of(head[:4096]) == look


def test_a_character_cut_in_two_is_text_still():
    assert look_of(("x" + "ü" * 4096).encode()[:4096]) == TEXT


def test_the_years_are_made_of_what_they_say():
    random = Random(3)
    looks = {extension: look_of(head(random)[:4096]) for extension, head in HEADS.items()}
    assert {extension for extension, look in looks.items() if look == NOISE} == {"x3f", "gpg", "c9r"}
    assert looks["ibd"] == looks["dat"] == "binary"


def test_the_delta_tells_added_changed_removed_and_moved_apart(tmp_path):
    share, deltas = tmp_path / "share", []
    share.mkdir()
    (share / "same.txt").write_text("same\n")
    (share / "turned.txt").write_text("plain\n" * 100)
    (share / "moved.txt").write_text("moved\n" * 50)
    (share / "gone.txt").write_text("gone\n")
    take_manifest(tmp_path / "manifest", [Source((share,))], on_delta=deltas.append)
    (share / "turned.txt").write_bytes(NOISE_BYTES)
    (share / "moved.txt").rename(share / "elsewhere.txt")
    (share / "gone.txt").unlink()
    (share / "new.gz").write_bytes(b"\x1f\x8b" + zlib.compress(NOISE_BYTES))
    take_manifest(tmp_path / "manifest", [Source((share,))], on_delta=deltas.append)
    first, second = deltas
    assert first.is_first
    assert first.files_now == 4
    folder = os.fsencode(share)
    assert second.changed == (Change(folder + b"/turned.txt", 4096, NOISE, TEXT),)
    assert [(change.path, change.look) for change in second.added] == [(folder + b"/new.gz", "gzip")]
    assert second.removed == (folder + b"/gone.txt",)
    assert second.moved == ((folder + b"/moved.txt", folder + b"/elsewhere.txt"),)
    assert (second.files_before, second.files_now) == (4, 4)


def test_nothing_changed_is_told_as_that(tmp_path):
    share, deltas = tmp_path / "share", []
    share.mkdir()
    (share / "a.txt").write_text("a\n")
    old = (share / "a.txt").stat().st_mtime_ns - 10**10
    for path in (share / "a.txt", share):
        os.utime(path, ns=(old, old))
    for _ in range(2):
        take_manifest(tmp_path / "manifest", [Source((share,))], on_delta=deltas.append)
    assert not deltas[1].is_first
    assert (deltas[1].added, deltas[1].changed, deltas[1].removed) == ((), (), ())
    assert deltas[1].files_before == deltas[1].files_now == 1


NOISE_BYTES = Random(5).randbytes(4096)
