"""What our backup costs over the bare `restic backup` of the same tree: paired, interleaved runs.

    .venv/bin/python tests/benchmarks/backup_overhead.py [--files 20000] [--megabytes 1000] [--pairs 9]

Makes a tree and two repositories in a temporary folder, backs the tree up once into each (the first backup,
reported by itself), waits until no file counts as just changed, then runs bare restic, our operation in this
process, and our command, in changing order, on the unchanged tree. Prints medians of the paired differences and ratios, and
the manifest's share. The promise: the operation costs at most 3 % or 0.3 s over bare restic, the start of the
process that runs it aside.
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


def processor_seconds(act: Callable[[], object]) -> float:
    """Return the processor time of this process alone for one act."""
    begun = time.process_time()
    act()
    return time.process_time() - begun


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
            "bare": bare.back_up,
            "operation": lambda: run_backup(ctx, "files"),
            "adapter": lambda: adapter_alone(ctx, root),
            "command": lambda: bare.command("backup", "run", "files", "--workspace", str(root)),
            "manifest": lambda: manifest_alone(root),
            "python": lambda: bare.command("--version"),
        }
        rounds = []
        for number in range(chosen.pairs):
            names = [*ways]
            Random(number).shuffle(names)  # whoever always comes first would always find the colder disk
            rounds.append({way: seconds(ways[way]) for way in names})
        own = [processor_seconds(ways["operation"]) for _ in range(3)]
    took = {way: [one[way] for one in rounds] for way in ways}
    say(f"manifest and recheck alone {statistics.median(took['manifest']):.3f} s; ", end="")
    say(f"`tocsin --version` alone {statistics.median(took['python']):.3f} s")
    say(
        f"the operation's own processor time, restic's aside: {min(own):.3f} s (what a busy machine does not blur)"
    )
    report("restic through our adapter, without a manifest", took["bare"], took["adapter"])
    report("the command, with its own start", took["bare"], took["command"])
    kept = report("the backup operation", took["bare"], took["operation"])
    say(f"at most {PROMISED_SHARE:.0%} or {PROMISED_SECONDS} s were promised: {'kept' if kept else 'BROKEN'}")
    return 0 if kept else 1


class Bare:
    """restic as a person would call it, into a repository of its own."""

    def __init__(self, work: Path, binary: Path, root: Path) -> None:
        self._arguments = [binary, "backup", "--quiet", "--exclude=*.tmp", "--exclude=cache", root / "share"]
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


def manifest_alone(root: Path) -> None:
    """Do what the operation does around restic."""
    recheck(
        take_manifest(root / ".tocsin" / "manifests" / "files", [Source((root / "share",), ("*.tmp", "cache"))])
    )


def adapter_alone(ctx, root: Path) -> None:
    """Call restic as the operation does, and nothing else."""
    ctx.restic.backup(repository_access(ctx, "local"), [root / "share", root / ".tocsin" / "manifests" / "files"])


def report(name: str, bare: list[float], ours: list[float]) -> bool:
    """Print one comparison, paired by round; return whether the promise holds for it."""
    ratio = statistics.median(one / other for one, other in zip(ours, bare, strict=True))
    more = statistics.median(one - other for one, other in zip(ours, bare, strict=True))
    middle = (statistics.median(bare), statistics.median(ours))
    say(f"{name}: bare restic {middle[0]:.2f} s, ours {middle[1]:.2f} s; ratio {ratio:.3f}, {more:+.3f} s")
    return ratio <= 1 + PROMISED_SHARE or more <= PROMISED_SECONDS


def say(words: str, end: str = "\n") -> None:
    """Print at once."""
    sys.stdout.write(f"{words}{end}")
    sys.stdout.flush()


if __name__ == "__main__":
    sys.exit(main())
