"""How a child is run, on small real children: streams, limits, leftovers."""

import os
import sys
import threading
import time
from datetime import timedelta
from pathlib import Path

import pytest

from processes import gone_within
from tocsin.adapters.restic.process import Child, Lines, Stopped

SECOND = timedelta(seconds=1)


def child(script, *, limit=10 * SECOND, grace=2 * SECOND, give_up=lambda: False) -> Child:
    return Child(["/bin/sh", "-c", script], {"PATH": os.environ["PATH"]}, limit, grace, give_up)


def open_descriptors() -> int:
    return len(list(Path("/proc/self/fd").iterdir()))


def test_lines_come_whole_however_they_are_cut():
    heard = []
    lines = Lines(heard.append)
    for chunk in (b"on", b"e\ntw", b"o\n\nthr", b"ee", b"\xff"):
        assert lines.feed(chunk)
    assert not lines.feed(b"")
    assert heard == ["one", "two", "three\\xff"]


def test_both_streams_are_heard_while_it_runs():
    heard = []
    began = time.monotonic()
    ended = child("echo first; echo aside >&2; sleep 0.5; echo last; exit 3").run(
        lambda line: heard.append((line, time.monotonic() - began)), lambda line: heard.append((line, 0))
    )
    assert (ended.code, ended.stopped) == (3, None)
    words = dict(heard)
    assert set(words) == {"first", "aside", "last"}
    assert words["first"] < 0.4 < words["last"]


def test_more_than_a_pipe_holds_does_not_block_it():
    counted = [0, 0]

    def count(stream):
        return lambda _: counted.__setitem__(stream, counted[stream] + 1)

    assert child("seq 1 60000; seq 1 60000 >&2").run(count(0), count(1)).code == 0
    assert counted == [60000, 60000]


@pytest.mark.skipif(not Path("/proc/self/fd").is_dir(), reason="needs /proc")
def test_no_descriptor_stays_open_even_when_it_cannot_start():
    before = open_descriptors()
    child("true").run(print, print)
    with pytest.raises(OSError, match="Argument list too long"):
        Child(["/bin/true", "x" * 4_000_000], {}, SECOND, SECOND).run(print, print)
    assert open_descriptors() == before


def test_a_child_that_will_not_stop_is_killed_after_the_grace_period():
    began = time.monotonic()
    ended = child("trap '' TERM; while :; do sleep 0.1; done", limit=0.3 * SECOND, grace=0.5 * SECOND).run(
        print, print
    )
    assert (ended.code, ended.stopped) == (-9, Stopped.LIMIT)
    assert time.monotonic() - began < 3


def test_a_grandchild_that_holds_the_pipes_does_not_hold_us(tmp_path):
    began = time.monotonic()
    ended = child(f"sleep 60 & echo $! >{tmp_path}/pid; exit 0").run(print, print)
    assert ended.code == 0
    assert time.monotonic() - began < 5
    assert gone_within(1, [int((tmp_path / "pid").read_text())])


def test_giving_up_stops_it():
    ended = child("sleep 60", give_up=lambda: True).run(print, print)
    assert ended.stopped is Stopped.REACH


@pytest.mark.parametrize("raised", [ValueError, KeyboardInterrupt, SystemExit])
def test_whatever_is_raised_while_waiting_ends_the_child_first(raised):
    pids = []

    def stop(line):
        pids.append(int(line))
        raise raised

    with pytest.raises(raised):
        child("echo $$; sleep 60").run(stop, print)
    assert gone_within(0.1, pids)


def test_it_runs_in_a_thread_where_no_signal_handler_may_be_set():
    results = []
    thread = threading.Thread(target=lambda: results.append(child("exit 7").run(print, print)))
    thread.start()
    thread.join(10)
    assert [ended.code for ended in results] == [7]


def test_it_has_no_terminal_and_no_input():
    heard = []
    child("tty || true; cat; ps -o sid= -p $$ 2>/dev/null || true").run(heard.append, heard.append)
    assert heard[0] == "not a tty"


def test_the_process_is_what_we_named_even_when_it_dies_with_us():
    heard = []
    Child([sys.executable, "-c", "import os; print(os.getppid())"], {}, 10 * SECOND, SECOND).run(
        heard.append, print
    )
    assert heard == [str(os.getpid())]
