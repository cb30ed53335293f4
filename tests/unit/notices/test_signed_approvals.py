"""An approval that was signed elsewhere, with the real ssh-keygen: whose it is, what it is for, what is refused."""

import os
import subprocess
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import pytest

from simulators.chance import CrashAt
from tocsin.adapters.shell import SystemShell
from tocsin.context import Context
from tocsin.errors import Refused, UsageError
from tocsin.notices import approvals_of, approve_signed, draft_notice, edit_notice, shown, statement_for
from tocsin.ports import Actor
from unit.notices.agency import Letterbox, at_work, case, declare, make_workspace


@pytest.fixture(scope="module")
def keys(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Path]:
    home = tmp_path_factory.mktemp("home")
    for who in ("dilys", "stranger"):
        subprocess.run(["ssh-keygen", "-q", "-t", "ed25519", "-N", "", "-C", who, "-f", home / who], check=True)
    return {who: home / who for who in ("dilys", "stranger")}


@pytest.fixture
def ctx(tmp_path: Path, keys: dict[str, Path]) -> Iterator[Context]:
    workspace = make_workspace(tmp_path, mail_port=25)
    public = keys["dilys"].with_suffix(".pub").read_text().strip()
    dilys = workspace.people["dilys"].model_copy(update={"ssh_key": public}).known_as("dilys")
    workspace = replace(workspace, people={**workspace.people, "dilys": dilys})
    with at_work(workspace, Letterbox(), CrashAt()) as ctx:
        declare(ctx)
        yield replace(ctx, shell=SystemShell(os.environ))


def letter(ctx: Context) -> str:
    return draft_notice(ctx, case(), template="people/letter", addressee="people", made_by="step:people").id


def signed(ctx: Context, notice: str, key: Path, folder: Path, namespace: str = "tocsin") -> Path:
    file = folder / "approve.txt"
    file.write_text(statement_for(ctx, shown(ctx, notice)).replace("reason:", "reason: Read aloud"))
    subprocess.run(["ssh-keygen", "-Y", "sign", "-q", "-n", namespace, "-f", key, file], check=True)
    return file


def take(ctx: Context, notice: str, file: Path) -> str:
    return approve_signed(ctx, notice, file, Path(f"{file}.sig"))[1]


def test_it_is_an_approval_of_whoever_signed_through_a_door_of_its_own(
    ctx: Context, keys: dict[str, Path], tmp_path: Path
) -> None:
    notice = letter(ctx)
    assert (
        take(ctx.acting_as(Actor("sam", "cli")), notice, signed(ctx, notice, keys["dilys"], tmp_path)) == "dilys"
    )
    (given,) = approvals_of(ctx, notice)
    assert (given.person, given.door, given.decision, given.reason) == ("dilys", "file", "approved", "Read aloud")
    take(ctx, notice, tmp_path / "approve.txt")  # a second time changes nothing
    assert len(approvals_of(ctx, notice)) == 1


def test_a_strangers_key_another_text_and_another_purpose_are_refused(
    ctx: Context, keys: dict[str, Path], tmp_path: Path
) -> None:
    notice = letter(ctx)
    with pytest.raises(Refused, match="is nobody's in the workspace"):
        take(ctx, notice, signed(ctx, notice, keys["stranger"], tmp_path))
    (tmp_path / "approve.txt.sig").unlink()
    file = signed(ctx, notice, keys["dilys"], tmp_path)
    file.write_text(file.read_text().replace("aloud", "loudly"))
    with pytest.raises(Refused, match="was changed after dilys signed"):
        take(ctx, notice, file)
    (tmp_path / "approve.txt.sig").unlink()
    with pytest.raises(Refused, match=r"nobody's in the workspace|else than -n tocsin"):
        take(ctx, notice, signed(ctx, notice, keys["dilys"], tmp_path, namespace="git"))
    assert approvals_of(ctx, notice) == ()


def test_what_was_edited_after_it_was_signed_is_not_approved(
    ctx: Context, keys: dict[str, Path], tmp_path: Path
) -> None:
    notice = letter(ctx)
    file = signed(ctx, notice, keys["dilys"], tmp_path)
    before = shown(ctx, notice).notice.body
    edit_notice(ctx.acting_as(Actor("sam", "cli")), notice, f"{before}\nOne more line.\n")
    with pytest.raises(Refused, match=r"not the one you were shown|is not the one"):
        take(ctx, notice, file)
    assert approvals_of(ctx, notice) == ()


@pytest.mark.parametrize(
    ("text", "sentence"),
    [
        ("hello\n", ":1: This is no approval of Tocsin"),
        ("tocsin approval 1\nnotice: x\nshoe: 4\n", ":3: 'shoe: 4' does not belong here"),
        ("tocsin approval 1\nnotice: x\ndecision: approved\n", "sha256 is missing"),
        ("tocsin approval 1\nnotice: x\nsha256: y\ndecision: rejected\n", "says 'rejected'"),
        ("tocsin approval 1\nnotice: x\nsha256: y\ndecision: approved\n", "approves the notice x, not"),
        ("x" * 20_000, "is no approval: it is 20000 bytes long"),
    ],
)
def test_a_file_that_is_no_such_statement_is_named_with_its_line(
    ctx: Context, tmp_path: Path, text: str, sentence: str
) -> None:
    file = tmp_path / "approve.txt"
    file.write_text(text)
    with pytest.raises(UsageError, match=sentence):
        take(ctx, letter(ctx), file)


def test_a_missing_signature_says_how_to_sign(ctx: Context, tmp_path: Path) -> None:
    notice = letter(ctx)
    file = tmp_path / "approve.txt"
    file.write_text(statement_for(ctx, shown(ctx, notice)))
    with pytest.raises(UsageError, match="Sign with `ssh-keygen -Y sign -n tocsin"):
        take(ctx, notice, file)
