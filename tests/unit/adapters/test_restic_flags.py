"""Limits and omissions as restic is given them."""

import shutil

from tocsin.adapters.restic.flags import omission_flags, throttled
from tocsin.ports import Omissions, Throttle


def test_nothing_said_is_nothing_given():
    assert omission_flags(Omissions()) == []
    assert throttled(Throttle()) == ([], [])


def test_every_limit_reaches_restic_or_what_stands_before_it():
    prefix, flags = throttled(Throttle(upload_kib=500, download_kib=900, nice=10, ionice="idle"))
    assert flags == ["--limit-upload=500", "--limit-download=900"]
    assert prefix[-3:] == [shutil.which("nice"), "-n", "10"]
    if ionice := shutil.which("ionice"):
        assert prefix[:4] == [ionice, "-t", "-c", "3"]


def test_every_omission_is_a_flag_and_sizes_are_plain_bytes():
    assert omission_flags(Omissions(True, (".nobackup",), 1024, True)) == [
        "--exclude-caches",
        "--exclude-if-present=.nobackup",
        "--exclude-larger-than=1024",
        "--one-file-system",
    ]
