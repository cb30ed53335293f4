"""The explanation in each case file, in plain English, for somebody who has never heard of Tocsin."""

from tocsin.incidents.casefile.copies import Copy
from tocsin.model.workspace import Workspace

_WHOLE = "It is the whole case. It may name several clients: give it to none of them."
_CLIENT = "It is the copy for {client}: what concerns its data, and notices to it. No other is in it."
_NO_NAMES = (
    "Names, addresses, free texts and the words of notices are closed in it. People stand in it by short ids.\n"
    "Who has the words can still show that they are the ones: their digests are in the journal's entries."
)
_TEXT = """\
Case file of {incident}
{line}

From {organisation}, made for: {reader}.
{what}

To read it, open index.html in any browser. It loads nothing from anywhere and needs no network.

    index.html            what happened, what was known and when, what was decided and why, who was told
    case.json             the same as data
    notices/              each notice as it was approved, each mail as it was sent, and the proofs that were kept
    evidence/             items of evidence, where they were asked for (otherwise only their list is here)
    journal/              the part of the firm's journal that proves it
    verify.py             checks all of it
    SHA256SUMS, .sig      the hash of each file, and the firm's signature over that list


To check that nothing was changed
---------------------------------

    python3 verify.py                          (Windows: py verify.py)

It prints one line for each check, and what is wrong where something is. It needs Python 3.9 or later and, for the
two signatures, openssl 1.1.1 or later; without openssl it checks everything else and says so. It needs no network
and changes nothing. A careful reader runs a copy of verify.py that came another way. Without Python:

    openssl pkeyutl -verify -pubin -inkey journal/journal.pub -rawin -in SHA256SUMS -sigfile SHA256SUMS.sig
    sha256sum -c SHA256SUMS


What that proves
----------------

The firm keeps a journal that can only be added to. Each entry is hashed together with the hash of the entry before
it, so none can be changed, taken out or put in later without every later hash changing. At times the last hash is
signed; that is a "signed head", and copies of it are kept outside. This case holds

  - the entries of this incident as they were written (journal/entries.jsonl), with the words that belong to them;
  - of all other entries the hash alone (journal/hashes.txt), from the first to the last. They are about other
    matters, and cannot be read from it;
  - the entry that was written when this file was made (journal/seal.json). It holds a hash over everything here;
  - the signed head at that entry (journal/head.json), and the key it is signed with (journal/journal.pub).

So each thing here is what the firm had in its journal when the file was made, and nothing was changed since.

What it does not prove: that what somebody wrote was true; and, without more, that the firm did not write its whole
journal anew before this file was made. An earlier signed head settles that: if anybody was given one before,

    python3 verify.py --head that-head.json

shows whether this journal goes on from it. That two entries which are not shown here follow from one another can
be checked only with the whole journal, which the firm can export.

The key's name (the SHA-256 of its 32 raw bytes) is

    {key}

Ask the firm by another way, by telephone say, whether that is theirs. Then: python3 verify.py --key NAME
"""


def readme(incident_id: str, workspace: Workspace, copy: Copy, key: str) -> str:
    """Return the text of README.txt."""
    client = workspace.clients[copy.client].name if copy.client else ""
    said = _CLIENT.format(client=client) if client else _WHOLE
    return _TEXT.format(
        incident=incident_id,
        line="=" * (13 + len(incident_id)),
        organisation=workspace.organisation.name,
        reader=client or f"their {copy.reader}",
        what=said if copy.names else f"{said}\n{_NO_NAMES}",
        key=key,
    )
