"""What our backup costs over the bare `restic backup` of the same tree: paired, interleaved runs.

    python tests/benchmarks/backup_overhead.py [--files 20000] [--megabytes 1000] [--pairs 9]

Makes a tree and two repositories in a temporary folder, backs the tree up once into each (the first backup,
reported by itself), waits until no file counts as just changed, then runs bare restic, our operation in this
process, and our command, in turn, on the unchanged tree. Prints medians of the paired differences and ratios, and
the manifest's share. The promise: at most 3 % or 0.3 s over bare restic, Prefect's own start aside.
"""

import argparse
import os
import shutil
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable
from pathlib import Path
from random import Random

sys.path.insert(0, str(Path(__file__).resolve().parent.parent))

from contract_backups import house, write_workspace
from tocsin.adapters.restic import find_restic
from tocsin.backups import create_repository, run_backup
from tocsin.manifest import Source, recheck, take_manifest
from tocsin.repositories import repository_access

PASSWORD = "for a benchmark only"
PROMISED_SHARE, PROMISED_SECONDS = 0.03, 0.3


def grow_tree(root: Path, files: int, megabytes: int) -> None:
    """Make `files` files of `megabytes` in all: many small ones, a few large, in folders of a hundred."""
    random = Random(1)
    sizes = [random.lognormvariate(9, 1.7) for _ in range(files)]
    scale = megabytes * 1_000_000 / sum(sizes)
    for number, size in enumerate(sizes):
        folder = root / f"client-{number // 2000:02}" / f"job-{number // 100:04}"
        folder.mkdir(parents=True, exist_ok=True)
        (folder / f"document-{number:05}.bin").write_bytes(random.randbytes(int(size * scale)))


def seconds(act: Callable[[], object]) -> float:
    """Return how long one act took."""
    begun = time.perf_counter()
    act()
    return time.perf_counter() - begun


def main() -> int:
    """Run the benchmark and say whether the promise holds."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--files", type=int, default=20_000)
    parser.add_argument("--megabytes", type=int, default=1_000)
    parser.add_argument("--pairs", type=int, default=9)
    chosen = parser.parse_args()
    work = Path(tempfile.mkdtemp(prefix="tocsin-benchmark-"))
    try:
        return measure(work, chosen)
    finally:
        shutil.rmtree(work)


def measure(work: Path, chosen: argparse.Namespace) -> int:
    """Make everything under `work`, measure, and print."""
    root, binary = work / "workspace", find_restic(os.environ)
    write_workspace(root, PASSWORD)
    say(f"a tree of {chosen.files} files, {chosen.megabytes} MB …")
    grow_tree(root / "share", chosen.files, chosen.megabytes)
    bare = Bare(work, binary, root)
    with house(root, binary) as ctx:
        create_repository(ctx, "local")
        first = [seconds(bare.back_up), seconds(lambda: run_backup(ctx, "files"))]
        say(f"first backup: bare restic {first[0]:.2f} s, ours {first[1]:.2f} s (every file hashed)")
        time.sleep(2.1)
        run_backup(ctx, "files")  # what was too fresh to trust is hashed once more
        bare.back_up()
        ways = {
            "operation": lambda: run_backup(ctx, "files"),
            "command": lambda: bare.command("backup", "run", "files", "--workspace", str(root)),
        }
        kept = {
            way: [(seconds(bare.back_up), seconds(act)) for _ in range(chosen.pairs)] for way, act in ways.items()
        }
        manifest = [seconds(lambda: manifest_alone(ctx, root)) for _ in range(chosen.pairs)]
        same = [(seconds(bare.back_up), seconds(lambda: adapter_alone(ctx, root))) for _ in range(chosen.pairs)]
    report("restic through our adapter, nothing else", same)
    say(f"manifest and recheck alone: {statistics.median(manifest):.3f} s")
    return 0 if all(report(f"{way}, unchanged tree", pairs) for way, pairs in kept.items()) else 1


class Bare:
    """restic as a person would call it, into a repository of its own."""

    def __init__(self, work: Path, binary: Path, root: Path) -> None:
        self._arguments = [binary, "backup", "--quiet", root / "share"]
        self._environment = {
            **os.environ,
            "RESTIC_REPOSITORY": str(work / "bare"),
            "RESTIC_PASSWORD_FILE": str(root / "password"),
            "RESTIC_CACHE_DIR": str(work / "bare-cache"),
        }
        subprocess.run([binary, "init", "--quiet"], env=self._environment, check=True)

    def back_up(self) -> None:
        """Take one snapshot."""
        subprocess.run(self._arguments, env=self._environment, check=True, stdout=subprocess.DEVNULL)

    def command(self, *arguments: str) -> None:
        """Run our command line, as installed beside this Python."""
        tocsin = Path(sys.executable).with_name("tocsin")
        subprocess.run([tocsin, *arguments], check=True, stdout=subprocess.DEVNULL)


def manifest_alone(ctx, root: Path) -> None:
    """Do what the operation does around restic."""
    recheck(
        take_manifest(root / ".tocsin" / "manifests" / "files", [Source((root / "share",), ("*.tmp", "cache"))])
    )


def adapter_alone(ctx, root: Path) -> None:
    """Call restic as the operation does, and nothing else."""
    ctx.restic.backup(repository_access(ctx, "local"), [root / "share", root / ".tocsin" / "manifests" / "files"])


def report(name: str, pairs: list[tuple[float, float]]) -> bool:
    """Print one comparison; return whether the promise holds."""
    ratio = statistics.median(ours / bare for bare, ours in pairs)
    more = statistics.median(ours - bare for bare, ours in pairs)
    bare, ours = (statistics.median(column) for column in zip(*pairs, strict=True))
    kept = ratio <= 1 + PROMISED_SHARE or more <= PROMISED_SECONDS
    say(
        f"{name}: bare {bare:.2f} s, ours {ours:.2f} s; ratio {ratio:.3f}, {more:+.3f} s ({'kept' if kept else 'BROKEN'})"
    )
    return kept


def say(line: str) -> None:
    """Print one line at once."""
    sys.stdout.write(f"{line}\n")
    sys.stdout.flush()


if __name__ == "__main__":
    sys.exit(main())
