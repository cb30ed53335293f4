"""The two formats, for every name a file system can hold, and what is refused in them."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tocsin.errors import OperationFailed
from tocsin.manifest import check_pattern, read_manifest, shown_path
from tocsin.manifest.text import Entry, digests_in, metadata_lines, records_in, text_line

DIGEST = "ab" * 32
names = st.binary(min_size=1, max_size=40).filter(lambda name: b"\0" not in name and b"/" not in name)


@given(st.lists(names, unique=True, max_size=8))
def test_every_name_survives_the_text(found):
    paths = [b"/" + name for name in found]
    text = b"".join(text_line(DIGEST, path) for path in paths)
    assert digests_in(text) == dict.fromkeys(paths, DIGEST)
    assert text.count(b"\n") == len(paths)


@given(names, names, st.integers(0, 2**62), st.booleans(), st.booleans())
def test_every_entry_survives_the_metadata(name, target, number, settled, read):
    entry = Entry(b"/" + name, 0o120777, 0, number, number, number, 1, 0, 0, 1, target)
    lines = metadata_lines(
        [entry], frozenset() if settled else {entry.path}, frozenset() if read else {entry.path}
    )
    assert list(records_in(lines)) == [(entry, settled, read)]


@given(names)
def test_a_shown_name_can_be_printed_anywhere(name):
    shown = shown_path(b"/" + name)
    assert shown.isprintable()
    assert shown.encode("utf-8")


@pytest.mark.parametrize(
    "text",
    [b"nonsense\n", b"ab" * 32 + b" one-space\n", b"ab" * 32 + b"  \n", b"ab" * 32 + b"  cut short"],
)
def test_a_text_that_is_none_is_refused(text):
    with pytest.raises(ValueError, match=r"line 1 is not a line|cut short"):
        digests_in(text)


@pytest.mark.parametrize("metadata", [b"nonsense\n", b"{}\n", b'{"path":1}\n', b"[]\n"])
def test_metadata_that_is_none_is_refused(metadata):
    with pytest.raises(ValueError, match=r".+"):
        list(records_in(metadata))


def test_a_manifest_that_is_missing_or_empty_says_what_that_means(tmp_path):
    with pytest.raises(OperationFailed, match="cannot be read"):
        read_manifest(tmp_path / "nowhere")
    (tmp_path / "manifest.sha256").write_bytes(b"")
    (tmp_path / "manifest.jsonl").write_bytes(b"")
    with pytest.raises(OperationFailed, match="damaged"):
        read_manifest(tmp_path)


@pytest.mark.parametrize(
    ("pattern", "complaint"),
    [
        ("", "names nothing"),
        ("/", "names nothing"),
        (" *.tmp", "names nothing"),
        ("!keep", "cannot be taken back"),
        ("[ab]", "not supported"),
        ("a\\b", "not supported"),
        ("../up", "goes up"),
        ("~/mine", "write the home folder in full"),
        ("*", "leave out everything"),
        ("**/*", "leave out everything"),
        ("a\nb", "line break"),
    ],
)
def test_a_pattern_that_would_not_mean_the_same_to_restic_is_refused(pattern, complaint):
    with pytest.raises(ValueError, match=complaint):
        check_pattern(pattern)


def test_a_pattern_is_tidied_as_restic_tidies_it():
    assert check_pattern("./cache//thumbs/") == "cache/thumbs"
    assert check_pattern("/srv//files/./scratch/") == "/srv/files/scratch"
    assert check_pattern("~$*") == "~$*"
