"""Every pattern that `check_pattern` lets through leaves out the same for us and for the real restic.

One restic call judges them all: each pattern list has a copy of the tree of its own.
"""

import os
import subprocess
from pathlib import Path

import pytest

from tocsin.manifest import Source, read_manifest, take_manifest

NAMES = (
    b"a.txt",
    b"draft.tmp",
    b"cache/one",
    b"cache/deep/two",
    b"cachet/three",
    b"deep/cache/thumbs/four",
    b"deep/er/cache/thumbs/five",
    b"deep/x.tmp/inside",
    b"~$letter.docx",
    b"node_modules/m.js",
    b"deep/node_modules/m.js",
    b"deep/er/node_modules/m.js",
    "größe/é.txt".encode(),
    b"bad\xff\xfename",
    b"bad\xffname",
    b"brackets[ab].txt",
    b"back\\slash.txt",
    b"line\nbreak.txt",
    b".hidden/.file",
    b"two words.txt",
    b"star*star.txt",
    b"question?.txt",
    b"UPPER.TMP",
    b"a.b.c",
    b"bb",
    b"bbb",
)
LISTS = (
    (),
    ("*.tmp",),
    ("cache",),
    ("cache/",),
    ("cache/thumbs",),
    ("cache/*",),
    ("deep/**/thumbs",),
    ("deep/**",),
    ("**/node_modules",),
    ("ROOT/node_modules",),
    ("ROOT/**/node_modules",),
    ("ROOT/deep/*/node_modules",),
    ("ROOT/deep",),
    ("ROOT/*.txt",),
    ("ROOT/**/*.txt",),
    ("~$*",),
    ("gr??e",),
    ("?.txt",),
    ("bad?name",),
    ("bad??name",),
    ("bad*name",),
    ("*.*.*",),
    ("b?",),
    ("bb*b",),
    ("b**b",),
    (".*",),
    ("* *",),
    ("star*star.txt",),
    ("question?.txt",),
    ("*.tmp", "cache", "ROOT/deep/er"),
    ("*/cache",),
    ("*/*/cache",),
    ("./cache", "deep//er"),
    ("upper.tmp",),
    ("é*",),
)


@pytest.fixture(scope="module")
def forest(tmp_path_factory):
    """A copy of the tree for each list, in folders whose own names would match many a pattern, special ones too."""
    top = tmp_path_factory.mktemp("cache") / "node_modules" / "deep.tmp"
    roots = []
    for number in range(len(LISTS) * 2):
        root = top / ("we[i]rd*" if number >= len(LISTS) else "plain") / f"tree-{number}"
        for name in NAMES:
            path = Path(os.fsdecode(os.fsencode(root) + b"/" + name))
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_bytes(b"x")
        roots.append(root)
    return roots


@pytest.fixture(scope="module")
def saved(forest, restic_path, tmp_path_factory, password_file):
    """What restic saved and what the manifest holds, for each tree."""
    work = tmp_path_factory.mktemp("work")
    sources = [
        Source(
            (root,), tuple(pattern.replace("ROOT", str(root).replace("[i]rd*", "?i?rd?")) for pattern in patterns)
        )
        for root, patterns in zip(forest, LISTS * 2, strict=True)
    ]
    taken = take_manifest(work / "manifests" / "files", sources)
    environment = {
        **os.environ,
        "RESTIC_REPOSITORY": str(work / "repository"),
        "RESTIC_PASSWORD_FILE": str(password_file),
        "RESTIC_CACHE_DIR": str(work / "cache"),
    }

    def call(*arguments):
        return subprocess.run([restic_path, *arguments], env=environment, check=True, capture_output=True).stdout

    call("init")
    call("backup", *(f"--exclude={pattern}" for pattern in taken.excludes), "--", *taken.paths)
    target = work / "restored"
    call("restore", "latest", "--target", target)
    theirs = {os.fsencode(path)[len(os.fsencode(target)) :] for path in target.rglob("*") if path.is_file()}
    manifest = read_manifest(taken.folder)
    ours = set(manifest.digests) | {os.fsencode(path) for path in taken.folder.iterdir()}
    return theirs, ours


@pytest.mark.parametrize("number", range(len(LISTS) * 2))
def test_a_pattern_leaves_out_what_restic_leaves_out(saved, forest, number):
    theirs, ours = saved
    root = os.fsencode(forest[number]) + b"/"
    of_theirs, of_ours = (
        {path.removeprefix(root) for path in paths if path.startswith(root)} for paths in (theirs, ours)
    )
    assert of_ours == of_theirs
    if LISTS[number % len(LISTS)] not in {(), ("upper.tmp",)}:
        assert len(of_ours) < len(NAMES)


def test_restic_and_the_manifest_agree_on_everything_together(saved):
    theirs, ours = saved
    assert ours == theirs
