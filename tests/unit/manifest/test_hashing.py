"""Hashing in two threads: every path is answered for, and nothing that goes wrong is lost."""

import hashlib
import os
import signal
import threading
import time

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tocsin.manifest import hashing


@given(st.lists(st.integers(0, 10**7), max_size=40))
def test_the_slices_hold_every_file_once_and_in_order(sizes):
    files = [(b"%d" % number, size) for number, size in enumerate(sizes)]
    slices = hashing._slices(files)
    assert len(slices) <= hashing.THREADS
    assert [file for part in slices for file in part] == files


def test_each_path_is_in_one_of_the_two_answers(tmp_path):
    folder = os.fsencode(tmp_path)
    contents = {folder + b"/%d" % number: os.urandom(number * 1000) for number in range(20)}
    for path, content in contents.items():
        with open(path, "wb") as file:  # noqa: PTH123 - the path is bytes
            file.write(content)
    os.mkfifo(tmp_path / "fifo")
    (tmp_path / "link").symlink_to("0")
    unreadable = {folder + b"/gone", folder + b"/fifo", folder + b"/link", folder}
    digests, faults = hashing.hash_files([*((path, 1) for path in contents), *((path, 1) for path in unreadable)])
    assert digests == {path: hashlib.sha256(content).hexdigest() for path, content in contents.items()}
    assert faults.keys() == unreadable


def test_nothing_to_hash_is_no_trouble():
    assert hashing.hash_files([]) == ({}, {})


def test_a_mistake_in_the_second_thread_is_heard(tmp_path):
    (tmp_path / "a").write_text("a")
    path = os.fsencode(tmp_path / "a")
    with pytest.raises(TypeError):
        hashing.hash_files([(path, 1), (None, 1)])


def test_ctrl_c_stops_both_threads_at_once(tmp_path):
    endless = tmp_path / "endless"
    endless.touch()
    os.truncate(endless, 10**12)
    path = os.fsencode(endless)
    before = threading.active_count()
    stop = threading.Timer(0.3, os.kill, (os.getpid(), signal.SIGINT))
    stop.start()
    begun = time.monotonic()
    with pytest.raises(KeyboardInterrupt):
        hashing.hash_files([(path, 10**12), (path, 10**12)])
    assert time.monotonic() - begun < 10
    assert threading.active_count() <= before + 1  # pytest-timeout may keep one of its own
