"""Years of a firm's backups, made up but not tame: working weeks, bursts of honest work, and attacks.

Each file has a real beginning of bytes of its kind, and is looked at by the same code that looks at real ones.
What a day does is told as the delta between two manifests.
"""

from collections.abc import Callable
from dataclasses import dataclass, field, replace
from datetime import date, timedelta
from random import Random

from tocsin.backups.plausibility import Day, Judged, Plausibility, judge_plausibility
from tocsin.backups.ransom_names import ransom_names
from tocsin.backups.signs import signs_of
from tocsin.backups.suspecting import day_of
from tocsin.manifest import Change, Delta
from tocsin.manifest.looks import look_of

HEADS: dict[str, Callable[[Random], bytes]] = {
    "txt": lambda random: b"Dear client, your invoice %d is due.\n" % random.randrange(9999) * 100,
    "csv": lambda random: b"name,amount\nQuill,%d\n" % random.randrange(9999) * 100,
    "html": lambda random: b"<!doctype html><p>%d</p>" % random.randrange(9999) * 100,
    "docx": lambda random: b"PK\x03\x04" + random.randbytes(4092),
    "xlsx": lambda random: b"PK\x03\x04" + random.randbytes(4092),
    "doc": lambda random: b"\xd0\xcf\x11\xe0" + bytes(512) + random.randbytes(3000),
    "pdf": lambda random: b"%PDF-1.7\n" + random.randbytes(4080),
    "jpg": lambda random: b"\xff\xd8\xff\xe0" + random.randbytes(4092),
    "cr2": lambda random: b"II*\x00" + random.randbytes(4092),
    "x3f": lambda random: random.randbytes(4096),  # a camera's own format, to us nothing but noise
    "mp4": lambda random: b"\x00\x00\x00\x20ftypisom" + random.randbytes(4080),
    "psd": lambda random: b"8BPS" + random.randbytes(4092),
    "zip": lambda random: b"PK\x03\x04" + random.randbytes(4092),
    "ibd": lambda random: bytes(200) + b"infimum supremum" * 40 + bytes(random.randrange(64) for _ in range(3000)),
    "dat": lambda random: b"".join(random.randrange(2000).to_bytes(4, "little") for _ in range(1024)),
    "gpg": lambda random: random.randbytes(4096),
    "c9r": lambda random: random.randbytes(4096),
}
FIRMS = {
    "office": ("txt", "csv", "docx", "docx", "xlsx", "pdf", "doc", "jpg", "zip"),
    "studio": ("jpg", "jpg", "cr2", "cr2", "mp4", "psd", "x3f", "txt"),
    "databases": ("ibd", "ibd", "dat", "csv", "zip"),
    "vault": ("c9r", "c9r", "gpg", "docx", "txt"),
    "website": ("html", "html", "jpg", "txt", "zip"),
}
SIZES = {"mp4": 80_000_000, "cr2": 24_000_000, "x3f": 30_000_000, "jpg": 4_000_000, "psd": 60_000_000}
BURSTS = ("shoot", "migration", "rebuild", "cleanup", "update", "archive", "retag", "vault", "conversion")
ATTACKS = ("appended", "replaced", "random-names", "in-place", "noted")


@dataclass
class Firm:
    """A source that lives from day to day."""

    kind: str
    random: Random
    files: dict[bytes, tuple[str, str]] = field(default_factory=dict)  # path: extension, look
    made: int = 0

    def grow(self, count: int) -> list[Change]:
        """Make new files, as every day does."""
        return [self.make(self.random.choice(FIRMS[self.kind])) for _ in range(count)]

    def day(self, day: date, burst: str | None = None) -> Delta:
        """Live one day and return what the backup sees of it."""
        work = self.random.uniform(0.3, 1.7) * (0.08 if day.weekday() in {5, 6} else 1.0)
        act = _Acting(self)
        act.changes(self.some(0.006 * work))
        act.adds(self.grow(round(len(self.files) * 0.003 * work)))
        act.removes(self.some(0.001 * work))
        if burst is not None:
            getattr(act, burst)()
        return act.delta()

    def attack(self, how: str, share: float) -> Delta:
        """Encrypt a share of the files, twenty at least, and return what the backup sees of it."""
        count = max(20, -(-len(self.files) * round(share * 1000) // 1000))
        victims = self.random.sample(sorted(self.files), min(count, len(self.files)))
        act = _Acting(self)
        ending = self.random.choice(["locked", "x7k2p", "akira", "enc", "qq9"]).encode()
        for path in victims:
            look = look_of(self.random.randbytes(4096))
            if how == "in-place":
                act.change(path, look)
                continue
            stem, _, _ = path.rpartition(b".")
            new = {
                "replaced": stem + b"." + ending,
                "random-names": path.rpartition(b"/")[0] + b"/%x" % self.random.getrandbits(64),
            }.get(how, path + b"." + ending)
            act.removes([path])
            act.adds([self.make(ending.decode(), path=new, look=look)])
        if how == "noted":
            folders = {path.rpartition(b"/")[0] for path in victims}
            act.adds([self.make("txt", path=folder + b"/HOW_TO_DECRYPT.txt") for folder in folders])
        return act.delta()

    def some(self, share: float) -> list[bytes]:
        return self.random.sample(sorted(self.files), min(len(self.files), round(len(self.files) * share)))

    def make(self, extension: str, *, path: bytes | None = None, look: str | None = None) -> Change:
        self.made += 1
        path = path or b"/share/%s-%02d/%06d.%s" % (
            self.kind.encode(), self.made // 200, self.made, extension.encode(),
        )  # fmt: skip
        look = look or look_of(HEADS[extension](self.random))
        self.files[path] = (extension, look)
        return Change(path, SIZES.get(extension, 60_000), look)


class _Acting:
    """One day's doings in one firm."""

    def __init__(self, firm: Firm) -> None:
        self.firm = firm
        self.random = firm.random
        self.files_before = len(firm.files)
        self.bytes_before = self._bytes()
        self.added: dict[bytes, Change] = {}
        self.changed: dict[bytes, Change] = {}
        self.removed: list[bytes] = []
        self.moved: list[tuple[bytes, bytes]] = []

    def adds(self, changes: list[Change]) -> None:
        self.added |= {change.path: change for change in changes}

    def change(self, path: bytes, look: str) -> None:
        extension, before = self.firm.files[path]
        self.firm.files[path] = (extension, look)
        if path not in self.added:
            self.changed[path] = Change(path, SIZES.get(extension, 60_000), look, before)

    def changes(self, paths: list[bytes]) -> None:
        for path in paths:
            self.change(path, look_of(HEADS[self.firm.files[path][0]](self.random)))

    def removes(self, paths: list[bytes]) -> None:
        for path in paths:
            del self.firm.files[path]
            self.changed.pop(path, None)
            if self.added.pop(path, None) is None:
                self.removed.append(path)

    def _of(self, *extensions: str) -> list[bytes]:
        return [path for path, (extension, _) in self.firm.files.items() if extension in extensions]

    def shoot(self) -> None:
        """Add a thousand pictures in an evening."""
        kinds = ("jpg", "cr2", "x3f", "mp4")
        self.adds([self.firm.make(self.random.choice(kinds)) for _ in range(self.random.randrange(200, 1200))])

    def migration(self) -> None:
        """Move most files to other folders, with the content they had."""
        for path in self.firm.some(self.random.uniform(0.3, 0.9)):
            if path not in self.added and path not in self.changed:
                new = b"/share/new" + path.removeprefix(b"/share")
                self.firm.files[new] = self.firm.files.pop(path)
                self.moved.append((path, new))

    def rebuild(self) -> None:
        """Write every database file anew, some under other names."""
        paths = self._of("ibd", "dat", "csv")
        self.changes(paths)
        gone = self.random.sample(paths, len(paths) // 5)
        self.removes(gone)
        self.adds([self.firm.make("ibd") for _ in gone])

    def cleanup(self) -> None:
        """Delete what is older than the law asks for."""
        self.removes(self.firm.some(self.random.uniform(0.1, 0.4)))

    def update(self) -> None:
        """Exchange a program's files."""
        self.adds([self.firm.make("html") for _ in range(400)])
        self.removes([path for path in self._of("html", "txt") if path not in self.added][:300])

    def archive(self) -> None:
        """Pack old files into archives, and delete them."""
        self.removes(self.firm.some(0.1))
        self.adds([self.firm.make("zip") for _ in range(10)])

    def retag(self) -> None:
        """Write captions into every picture, in place."""
        self.changes(self._of("jpg", "cr2", "psd"))

    def vault(self) -> None:
        """Bring in a few hundred files that somebody else had encrypted."""
        self.adds([self.firm.make("gpg") for _ in range(300)])

    def conversion(self) -> None:
        """Save old documents in the new format."""
        old = self._of("doc")
        self.removes(old)
        self.adds([self.firm.make("docx") for _ in old])

    def delta(self) -> Delta:
        return Delta(
            files_before=self.files_before,
            bytes_before=self.bytes_before,
            files_now=len(self.firm.files),
            bytes_now=self._bytes(),
            added=tuple(self.added.values()),
            changed=tuple(self.changed.values()),
            removed=tuple(self.removed),
            moved=tuple(self.moved),
        )

    def _bytes(self) -> int:
        return sum(SIZES.get(extension, 60_000) for extension, _ in self.firm.files.values())


@dataclass
class Memory:
    """What the judge remembers of a plan: quiet days alone."""

    days: list[Day] = field(default_factory=list)

    def judge(self, delta: Delta, day: date, packed: float = 0.6) -> Judged:
        """Judge one day as the product does, and keep it if it was clean."""
        added = sum(change.size for change in (*delta.added, *delta.changed))
        signs = signs_of(delta, ransom_names())
        signs = replace(signs, added_bytes=added, packed_bytes=round(added * packed))
        judged = judge_plausibility(signs, self.days[-90:], day)
        if judged.state is Plausibility.CLEAN:
            self.days.append(day_of(day, signs))
        return judged


@dataclass
class Year:
    """A firm at the end of its year, what the judge remembers of it, and each day that was flagged."""

    firm: Firm
    memory: Memory
    end: date
    alarms: list[tuple[date, str | None, Judged]] = field(default_factory=list)

    def attacked(self, how: str, share: float, seed: object) -> Judged:
        """Attack a copy of the firm on the next day, and judge."""
        victim = Firm(self.firm.kind, Random(f"{seed}"), dict(self.firm.files), self.firm.made)
        return Memory([*self.memory.days]).judge(victim.attack(how, share), self.end + timedelta(days=1), 1.0)


def live(kind: str, seed: int, *, days: int = 365, files: int = 1500) -> Year:
    """Live a quiet year with a burst every few weeks, judged day by day."""
    random = Random(f"{kind} {seed}")
    begin = date(2025, 1, 6)
    lived = Year(Firm(kind, random), Memory(), begin)
    lived.firm.grow(files)
    bursts = {random.randrange(10, max(days, 11)): random.choice(BURSTS) for _ in range(days // 40)}
    for number in range(days):
        lived.end = begin + timedelta(days=number)
        burst = bursts.get(number)
        packed = random.uniform(0.93, 1.0) if kind == "studio" or burst == "shoot" else random.uniform(0.4, 0.8)
        judged = lived.memory.judge(lived.firm.day(lived.end, burst), lived.end, packed)
        if judged.state is Plausibility.FLAGGED:
            lived.alarms.append((lived.end, burst, judged))
    return lived
