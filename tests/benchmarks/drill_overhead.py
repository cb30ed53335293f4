"""What our verification costs: restore and compare with the manifest, beside `restic restore --verify`.

    .venv/bin/python tests/benchmarks/drill_overhead.py [PAIRS] [MEGABYTES]

Pairs run one after the other, each into an empty folder, neither with a cache; the medians are printed, and the
median of the pairs' ratios. Ours holds every file against what it was before the backup; `--verify` holds it
against what the repository says. Not a test: it passes no judgement.
"""

import os
import shutil
import subprocess
import sys
import tempfile
import time
from pathlib import Path
from random import Random
from statistics import median

from tocsin.adapters.restic import ResticBinary, find_restic
from tocsin.manifest import Source, read_manifest, take_manifest, verify_restored
from tocsin.ports import RepositoryAccess


def make_tree(folder: Path, megabytes: int) -> None:
    """Fill `folder` with many small files and a few large ones, the same each time."""
    random = Random(1)
    for number in range(megabytes * 12):
        path = folder / f"{number % 97:02}" / f"letter-{number}.txt"
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(random.randbytes(random.randrange(1_000, 40_000)))
    for number in range(megabytes // 40):
        (folder / f"film-{number}.raw").write_bytes(random.randbytes(30_000_000))


def say(line: str) -> None:
    sys.stdout.write(f"{line}\n")


def timed(act) -> float:
    began = time.monotonic()
    act()
    return time.monotonic() - began


def main() -> None:
    pairs, megabytes = (int(word) for word in [*sys.argv[1:], *("5", "300")[len(sys.argv) - 1 :]])
    with tempfile.TemporaryDirectory(prefix="tocsin-bench-") as name:
        home = Path(name)
        source, password = home / "source", home / "password"
        source.mkdir()
        make_tree(source, megabytes)
        password.write_text("bench")
        password.chmod(0o600)
        binary = find_restic(os.environ)
        restic = ResticBinary(binary, cache_dir=home / "cache", environ=os.environ)
        access = RepositoryAccess("bench", str(home / "repository"), password)
        restic.init(access)
        taken = take_manifest(home / "manifest", [Source((source,))])
        snapshot = restic.backup(access, taken.paths).snapshot_id or ""
        say(f"{taken.files} files, {taken.total_bytes / 1e6:.0f} MB, restic {restic.version()}, {pairs} pairs")

        def ours(target: Path) -> None:
            restic.restore(access, snapshot, target)
            manifest = read_manifest(target / str(taken.folder).lstrip("/"), sha256=taken.sha256)
            assert verify_restored(manifest, target).is_whole

        def theirs(target: Path) -> None:
            argv = [binary, "-r", access.location, "-p", password, "--no-cache", "--json", "restore", "--verify"]
            subprocess.run([*argv, "--target", target, snapshot], check=True, stdout=subprocess.DEVNULL)

        seconds: dict[str, list[float]] = {"ours": [], "theirs": []}
        for pair in range(pairs):
            for who, act in (
                (("ours", ours), ("theirs", theirs)) if pair % 2 else (("theirs", theirs), ("ours", ours))
            ):
                target = home / "target"
                target.mkdir()
                seconds[who].append(timed(lambda act=act, target=target: act(target)))
                shutil.rmtree(target)
        ratios = [one / other for one, other in zip(seconds["ours"], seconds["theirs"], strict=True)]
        say(f"restore, compare with the manifest  {median(seconds['ours']):6.2f} s")
        say(f"restic restore --verify             {median(seconds['theirs']):6.2f} s")
        say(f"median of the pairs' ratios         {median(ratios):6.2f}")


if __name__ == "__main__":
    main()
