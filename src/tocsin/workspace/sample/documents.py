"""The sample's documents: lists, letters, forms, photographs and web pages that really open."""

import csv
import io
import struct
import zlib
from collections.abc import Iterable, Iterator
from datetime import date

from tocsin.workspace.sample.cast import Dice, Somebody, noise

_TREATMENTS = ("check-up", "hygienist", "filling", "root canal", "crown", "orthodontics", "extraction")
_JOBS = ("teacher", "nurse", "driver", "designer", "joiner", "analyst", "chef", "student", "electrician")
_SUBJECTS = ("Kick-off", "Budget", "Copy deck", "Wireframes", "Launch", "Review", "Photo day", "Reporting")
_TALK = (
    "We agreed to keep the tone plain and to put the telephone number on every page.",
    "The second round of drafts is due on Thursday; feedback goes into the shared sheet.",
    "Nobody outside the project may see the list before the client has confirmed it.",
    "Printing costs a little more than planned, postage a little less.",
    "The old landing page stays up until the new one has run for a week.",
    "Pictures are chosen together on site; consent forms are filed beside them.",
)


def file_share(root: str) -> Iterator[tuple[str, bytes]]:
    """Yield the office file share: two clients' folders, our own records, and the studio's pictures."""
    yield from _dental(f"{root}/Clients/Harbour View Dental")
    yield from _lettings(f"{root}/Clients/Northgate Homes")
    yield from _own_records(f"{root}/Office")
    for number in range(1, 48):
        name = f"{root}/Studio/Photos/shoot-{number:03d}.png"
        yield name, _photograph(name, 640, 360 + 4 * (number % 7))


def website(root: str) -> Iterator[tuple[str, bytes]]:
    """Yield the website: pages and pictures."""
    dice = Dice("website")
    titles = ("Home", "Work", "People", "Contact", "Spring in the garden", "Autumn bulbs", "Privacy")
    for title in titles:
        page = title.lower().replace(" ", "-")
        body = "".join(f"<p>{dice.pick(_TALK)}</p>\n" for _ in range(12))
        text = (
            f"<!doctype html>\n<html lang=en>\n<title>{title} - Larkfield Studio</title>\n<h1>{title}</h1>\n{body}"
        )
        yield f"{root}/pages/{page}.html", text.encode()
    for number in range(1, 13):
        name = f"{root}/images/campaign-{number:02d}.png"
        yield name, _photograph(name, 512, 256)


def _dental(root: str) -> Iterator[tuple[str, bytes]]:
    dice = Dice("dental")
    patients = [dice.somebody(number) for number in range(1480)]
    rows = [
        (who.name, who.email, who.phone, who.born, dice.pick(_TREATMENTS), dice.day(date(2026, 1, 5), 300))
        for who in patients
    ]
    yield (
        f"{root}/Recall/recall-list.csv",
        _csv(("name", "email", "phone", "born", "treatment", "next visit"), rows),
    )
    newsletter = [(who.name, who.email) for who in patients[::3]]
    yield f"{root}/Newsletter/subscribers.csv", _csv(("name", "email"), newsletter)
    for number, who in enumerate(patients[:90], start=1):
        text = [
            f"Dear {who.name},",
            "",
            f"your {dice.pick(_TREATMENTS)} is due. Please ring 0117 496 0210.",
            "",
            who.address,
        ]
        yield f"{root}/Recall/Letters/letter-{number:03d}.pdf", _pdf(f"dental-{number}", text, 24_000)
    yield from _minutes(f"{root}/Meetings", dice, "Harbour View Dental")


def _lettings(root: str) -> Iterator[tuple[str, bytes]]:
    dice = Dice("lettings")
    applicants = [dice.somebody(number) for number in range(620)]
    rows = [
        (who.name, who.email, who.phone, who.address, dice.pick(_JOBS), 18_000 + 500 * dice.below(90))
        for who in applicants
    ]
    head = ("name", "email", "phone", "address", "occupation", "income")
    yield f"{root}/Applications/applications-2026.csv", _csv(head, rows)
    for number, who in enumerate(applicants[:120], start=1):
        yield (
            f"{root}/Applications/Forms/application-{number:03d}.pdf",
            _pdf(f"form-{number}", _form(who, dice), 40_000),
        )
    yield from _minutes(f"{root}/Meetings", dice, "Northgate Homes")


def _form(who: Somebody, dice: Dice) -> list[str]:
    return [
        "TENANCY APPLICATION",
        f"Name: {who.name}",
        f"Born: {who.born:%d %B %Y}",
        f"Address: {who.address}",
        f"Telephone: {who.phone}",
        f"Occupation: {dice.pick(_JOBS)}",
        # Sort code 00-00-00 belongs to no bank.
        f"Bank account: 00-00-00 {dice.below(10**8):08d}",
    ]


def _own_records(root: str) -> Iterator[tuple[str, bytes]]:
    dice = Dice("office")
    staff = [dice.somebody(number) for number in range(14)]
    rows = [
        (who.name, who.address, 24_000 + 1000 * dice.below(30), f"00-00-00 {dice.below(10**8):08d}")
        for who in staff
    ]
    yield f"{root}/People/payroll.csv", _csv(("name", "address", "salary", "bank account"), rows)
    for who in staff:
        text = [f"CONTRACT OF EMPLOYMENT: {who.name}", who.address, f"Started {dice.day(date(2019, 1, 7), 2500)}"]
        yield f"{root}/People/Contracts/{who.name}.pdf", _pdf(who.email, text, 60_000)
    yield from _minutes(f"{root}/Meetings", dice, "Studio")


def _minutes(root: str, dice: Dice, title: str) -> Iterator[tuple[str, bytes]]:
    for number in range(1, 25):
        held, subject = dice.day(date(2025, 11, 3), 370), dice.pick(_SUBJECTS)
        lines = [
            f"# {title}: {subject}",
            "",
            f"{held:%d %B %Y}",
            "",
            *(f"- {dice.pick(_TALK)}" for _ in range(30)),
        ]
        yield (
            f"{root}/{held}-{number:02d}-{subject.lower().replace(' ', '-')}.md",
            "\n".join(lines).encode() + b"\n",
        )


def _csv(head: tuple[str, ...], rows: Iterable[tuple[object, ...]]) -> bytes:
    out = io.StringIO(newline="")
    writer = csv.writer(out, lineterminator="\n")
    writer.writerow(head)
    writer.writerows(rows)
    return out.getvalue().encode()


def _photograph(name: str, width: int, height: int) -> bytes:
    """Return a PNG of noise, stored without compression: quick to make, and as hard to shrink as a photograph."""
    line = 3 * width
    pixels = noise(name, line * height)
    scan = b"".join(b"\0" + pixels[start : start + line] for start in range(0, len(pixels), line))
    return b"".join(
        (
            b"\x89PNG\r\n\x1a\n",
            _chunk(b"IHDR", struct.pack(">IIBBBBB", width, height, 8, 2, 0, 0, 0)),
            _chunk(b"IDAT", _stored(scan)),
            _chunk(b"IEND", b""),
        )
    )


def _chunk(kind: bytes, content: bytes) -> bytes:
    return struct.pack(">I", len(content)) + kind + content + struct.pack(">I", zlib.crc32(kind + content))


def _stored(content: bytes) -> bytes:
    """Wrap bytes as a zlib stream of stored blocks, written out here so that no zlib version alters a byte."""
    blocks = []
    for start in range(0, len(content), 65_535):
        block = content[start : start + 65_535]
        last = start + 65_535 >= len(content)
        blocks.append(struct.pack("<BHH", last, len(block), len(block) ^ 0xFFFF) + block)
    return b"\x78\x01" + b"".join(blocks) + struct.pack(">I", zlib.adler32(content))


def _pdf(name: str, lines: list[str], scan_bytes: int) -> bytes:
    """Return a one-page PDF with the lines, and a scan's worth of bytes beside them."""
    escaped = (line.replace("\\", "\\\\").replace("(", "\\(").replace(")", "\\)") for line in lines)
    text = ("BT /F1 11 Tf 60 780 Td 16 TL " + " ".join(f"({line}) Tj T*" for line in escaped) + " ET").encode(
        "latin-1"
    )
    objects = (
        b"<< /Type /Catalog /Pages 2 0 R >>",
        b"<< /Type /Pages /Kids [3 0 R] /Count 1 >>",
        b"<< /Type /Page /Parent 2 0 R /MediaBox [0 0 595 842] /Contents 4 0 R /Resources << /Font 7 0 R >> >>",
        _stream(text),
        b"<< /Type /Font /Subtype /Type1 /BaseFont /Helvetica >>",
        _stream(noise(name, scan_bytes)),
        b"<< /F1 5 0 R >>",
    )
    out = bytearray(b"%PDF-1.4\n")
    offsets = []
    for number, content in enumerate(objects, start=1):
        offsets.append(len(out))
        out += b"%d 0 obj\n%s\nendobj\n" % (number, content)
    table = len(out)
    out += b"xref\n0 %d\n0000000000 65535 f \n" % (len(objects) + 1)
    out += b"".join(b"%010d 00000 n \n" % offset for offset in offsets)
    out += b"trailer << /Size %d /Root 1 0 R >>\nstartxref\n%d\n%%%%EOF\n" % (len(objects) + 1, table)
    return bytes(out)


def _stream(content: bytes) -> bytes:
    return b"<< /Length %d >>\nstream\n%s\nendstream" % (len(content), content)
