"""What no notice may leave with: above all, another client's name."""

import tempfile
from dataclasses import replace
from functools import cache
from pathlib import Path

import pytest
from hypothesis import HealthCheck, assume, given, settings
from hypothesis import strategies as st

from tocsin.model.vocabulary import DataCode, Label, PeopleGroup, SystemKind
from tocsin.model.workspace import Client, Contact, Dataset, DatasetPeople, System, Workspace
from tocsin.notices import Draft, GuardFinding, check_notice, facts_sheet, render
from tocsin.notices.addressees import HEARS_OF_CLIENTS, addressed
from tocsin.notices.folding import squeezed
from unit.notices.agency import AWARE, case, make_workspace

CLIENTS = ("acme", "acme-health", "harbour")


@cache
def workspace() -> Workspace:
    return make_workspace(Path(tempfile.mkdtemp()), mail_port=25)


def letter(addressee: str = "acme-health", **changes: object) -> Draft:
    template = "ico/initial" if addressee == "ico" else "client/initial"
    return render(workspace(), template, facts_sheet(workspace(), case(), addressee, AWARE))


def findings(extra: str, addressee: str = "acme-health") -> tuple[GuardFinding, ...]:
    draft = letter(addressee)
    return check_notice(
        replace(draft, body=f"{draft.body}\n{extra}\n"), addressed(workspace(), addressee), workspace()
    )


def rules(extra: str, addressee: str = "acme-health") -> set[tuple[str, bool]]:
    return {(finding.rule, finding.blocking) for finding in findings(extra, addressee)}


@pytest.mark.parametrize("addressee", [*CLIENTS, "ico"])
def test_the_shipped_letters_pass(addressee: str) -> None:
    assert findings("", addressee) == ()


# --- other clients ----------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "hidden",
    [
        "Harbour Dental Practice Ltd",
        "HARBOUR DENTAL PRACTICE",
        "harbour dental practice limited",
        "Harbour\nDental Practice",
        "Harbour **Dental** Practice",
        "_Harbour_ `Dental` Practice",
        "Har\u200bbour Den\u00adtal Practice",
        "Har&shy;bour Dental Practice",
        "Har<b></b>bour Dental Practice",
        "Harbour<!-- x --> Dental Practice",
        "[Harbour](https://example.org) Dental Practice",
        "\uff28\uff41\uff52\uff42\uff4f\uff55\uff52 Dental Practice",
        "Hàrbour Dental Practice",
        "Har-\nbour Dental Practice",
        "Harbour-Dental-Practice",
        "> Harbour\n> Dental Practice",
        "Harbour Dental's patients",
        "Rosa Keane",
        "rosa keane",
        "ROSA@harbourdental.example",
        "anybody@HarbourDental.example",
        "0117 496 0033",
        "+44 (0)117-496 0033",
        "01174960033",
        "Recall letters",
        "recall\nletters",
        "harbour",
    ],
)
def test_another_client_is_found_however_it_is_written(hidden: str) -> None:
    found = findings(f"As with {hidden}, we are looking into it.")
    assert [finding for finding in found if finding.rule == "other-client" and finding.blocking]
    assert all("Rosa" not in finding.text and "Dental" not in finding.text for finding in found)


def test_a_name_inside_the_addressees_own_name_is_its_own() -> None:
    assert findings("Acme Health and ACME\nHEALTH and **Acme** Health and acme-health.", "acme-health") == ()


def test_the_shorter_name_alone_is_still_somebody_else() -> None:
    assert ("other-client", True) in rules("Acme Health and Acme.", "acme-health")


def test_the_longer_name_is_never_told_to_the_shorter() -> None:
    assert ("other-client", True) in rules("Acme Health was hit too.", "acme")
    assert findings("Acme was hit.", "acme") == ()


def test_a_word_that_only_contains_a_name_is_a_word() -> None:
    assert findings("The acmeist poets kept harbours and arbours.") == ()


def test_a_dataset_of_the_same_title_is_the_addressees_own() -> None:
    twin = workspace().datasets["acme-leads"].model_copy(update={"client": "harbour"})
    shared = replace(workspace(), datasets={**workspace().datasets, "twin": twin})
    draft = replace(letter("acme"), body=letter("acme").body + "\nNewsletter subscribers\n")
    assert check_notice(draft, addressed(shared, "acme"), shared) == ()


def test_the_regulator_may_hear_whose_data_it_is_if_somebody_answers_for_it() -> None:
    assert rules("The controller is Harbour Dental Practice Ltd.", "ico") == {("other-client", False)}
    assert ("other-client", True) in rules("Write to rosa@harbourdental.example.", "ico")


def test_a_subject_line_is_read_too() -> None:
    draft = replace(letter(), subject="Breach at Acme Health and Harbour Dental")
    assert [each.rule for each in check_notice(draft, addressed(workspace(), "acme-health"), workspace())] == [
        "other-client"
    ] * 2


# --- content ----------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("addressee", "heading"),
    [
        ("acme", "## What happened"),
        ("acme", "## When"),
        ("acme", "## Your data"),
        ("acme", "## Likely consequences"),
        ("acme", "## What we have done and will do"),
        ("acme", "## What is not yet known"),
        ("ico", "### What happened"),
        ("ico", "### Categories of personal data"),
        ("ico", "### How many personal data records are concerned?"),
        ("ico", "### How many people could be affected?"),
        ("ico", "### Categories of people affected"),
        ("ico", "### Likely consequences for the people concerned"),
        ("ico", "### Measures taken or proposed"),
    ],
)
def test_a_required_part_may_not_be_missing_or_empty(addressee: str, heading: str) -> None:
    draft = letter(addressee)
    before, _, rest = draft.body.partition(f"{heading}\n")
    assert rest, "the shipped letter has the heading"
    following = rest[rest.index("\n#") :]
    for mutilated in (
        before + following,
        f"{before}{heading}\n{following}",
        f"{before}{heading}\n\n - \n{following}",
    ):
        found = check_notice(replace(draft, body=mutilated), addressed(workspace(), addressee), workspace())
        assert "required" in {finding.rule for finding in found if finding.blocking}


def test_it_must_say_how_to_reach_us_and_whom_it_is_for() -> None:
    draft = letter("harbour")
    anonymous = draft.body.replace("dilys@lantern.example", "us").replace("+44 117 496 0102", "")
    nobody = replace(draft, subject="Notice", body=anonymous.replace("Harbour Dental Practice Ltd", "you"))
    found = check_notice(nobody, addressed(workspace(), "harbour"), workspace())
    assert {finding.rule for finding in found} == {"contact", "addressee"}


@pytest.mark.parametrize(
    "claim",
    [
        "There is no evidence of misuse.",
        "We have seen no evidence that data was taken.",
        "We have not seen any evidence of that.",
        "We **have no** evidence that",
        "There is currently no clear indication of theft.",
        "There is nothing to suggest that it was read.",
        "No personal data was accessed.",
        "No customer data has been stolen.",
        "Your data is safe.",
        "we have no\nreason to believe that",
    ],
)
def test_absence_of_evidence_is_not_claimed(claim: str) -> None:
    assert ("claim", True) in rules(claim)


@pytest.mark.parametrize(
    ("claim", "carried", "stands"),
    [
        ("We have found no evidence that data was copied.", {"not_taken"}, True),
        ("No personal data was taken.", {"not_taken"}, True),
        ("No personal data was taken.", {"not_misused"}, False),
        ("There is no sign of misuse.", {"not_misused"}, True),
        ("There is no sign of misuse.", {"not_taken"}, False),
        ("There is no sign that data was taken or misused.", {"not_taken"}, False),
        ("There is no sign that data was taken or misused.", {"not_taken", "not_misused"}, True),
        ("No data was taken. There is no reason to believe anything.", {"not_taken"}, False),
        ("No data was taken. No data was seen.", {"not_taken"}, False),
        ("Your data is safe.", {"not_taken", "not_misused"}, False),
    ],
)
def test_a_claim_stands_where_the_facts_carry_it(claim: str, carried: set[str], *, stands: bool) -> None:
    draft = letter()
    said = replace(draft, body=f"{draft.body}\n{claim}\n")
    found = check_notice(said, addressed(workspace(), "acme-health"), workspace(), frozenset(carried))
    assert ("claim" not in {each.rule for each in found}) == stands


@pytest.mark.parametrize(
    "honest",
    [
        "We have looked into whether data was copied or taken, and have ruled it out.",
        "We keep the evidence.",
        "Whether data was taken is not yet known.",
    ],
)
def test_honest_sentences_pass(honest: str) -> None:
    assert rules(honest) == set()


@pytest.mark.parametrize("hole", ["{{ name }}", "{% if %}", "Contract: None", "undefined", "count: NaN", "TODO"])
def test_holes_are_found(hole: str) -> None:
    assert ("hole", True) in rules(hole)


def test_none_of_is_english() -> None:
    assert rules("None of this is final.") == set()


@pytest.mark.parametrize(
    "secret",
    [
        "-----BEGIN OPENSSH PRIVATE KEY-----",
        "AKIAABCDEFGHIJKLMNOP",
        "The password is Winter2026!",
        "password: `hunter2`",
        "postgres://app:s3cret@db/orders",
        "xox" + "b-1234567890-abcdefghij",
        "api key = 0123456789abcdef",
        "eyJhbGciOiJIUzI1NiJ9.eyJzdWIiOiIxIn0.c2lnbmF0dXJl",
    ],
)
def test_secrets_are_found_and_not_repeated(secret: str) -> None:
    found = [finding for finding in findings(secret) if finding.rule == "secret"]
    assert found
    assert all(finding.blocking and secret not in finding.text for finding in found)


def test_talk_of_passwords_is_no_secret() -> None:
    assert (
        rules("Change the password of every account. A new password is needed; your PIN is not affected.") == set()
    )


@pytest.mark.parametrize(
    "number",
    [
        "QQ 12 34 56 C".replace("QQ", "AB"),
        "4111 1111 1111 1111",
        "GB82 WEST 1234 5698 7654 32",
        "sort code 12-34-56",
    ],
)
def test_the_breached_data_itself_is_found(number: str) -> None:
    assert ("personal-data", True) in rules(number)


def test_a_number_that_fails_its_check_digits_is_only_a_number() -> None:
    assert rules("Reference 4111 1111 1111 1112 and GB82 WEST 1234 5698 7654 33.") == set()


def test_whether_to_report_is_left_to_the_client() -> None:
    assert rules("You do not need to report this.") == {("decision", False)}
    assert rules("You must notify the ICO.") == {("decision", False)}


# --- properties -------------------------------------------------------------------------------------------

_WORDS = st.sampled_from(
    [
        "Acme",
        "Harbour",
        "Dental",
        "Health",
        "North",
        "Lane",
        "Oak",
        "Trust",
        "Vale",
        "Media",
        "Studio",
        "Green",
        "Castle",
        "Bright",
        "River",
        "Ashby",
    ]
)
_NAMES = st.lists(_WORDS, min_size=1, max_size=3).map(" ".join)
_INVISIBLE = st.sampled_from(["\u200b", "\u00ad", "\u2060", "&shy;", "**", "_", "`", "<i></i>"])
_GAPS = st.sampled_from([" ", "\n", "  ", "\u00a0", "-", "_", "** **", " \u200b", "\n> "])


@st.composite
def disguised(draw: st.DrawFn, name: str) -> str:
    """Write a name as somebody might who copies and pastes at three in the morning, or wants to slip it by."""
    written = draw(_GAPS).join(name.split())
    written = draw(st.sampled_from([str, str.upper, str.lower, str.swapcase]))(written)
    at = draw(st.integers(1, max(1, len(written) - 1)))
    if draw(st.booleans()) and written[at - 1 : at + 1].isalpha():
        written = written[:at] + draw(_INVISIBLE) + written[at:]
    return written


def _firm(names: tuple[str, str], contact: str, title: str) -> Workspace:
    clients = {}
    datasets = {}
    for number, name in enumerate(names):
        key = f"client-{number}"
        who = Contact(
            name=contact if number else "Kit Lowe", email=f"dpo@c{number}.example", phone=f"020 7946 00{number}9"
        )
        clients[key] = Client(name=name, contacts=(who,)).known_as(key)
        datasets[key] = Dataset(
            title=title if number else "Subscribers of the newsletter",
            label=Label.PERSONAL,
            data=(DataCode.NAME,),
            people=DatasetPeople(groups=(PeopleGroup.CUSTOMER,), count=100),
            client=key,
            systems=("files",),
        ).known_as(key)
    return replace(workspace(), clients=clients, datasets=datasets)


FIELDS = ("measure", "system", "dataset", "contract", "body", "subject")


@settings(max_examples=120, deadline=None, suppress_health_check=[HealthCheck.too_slow])
@given(data=st.data(), own=_NAMES, other=_NAMES, field=st.sampled_from(FIELDS))
def test_no_free_text_field_carries_another_clients_name(
    data: st.DataObject, own: str, other: str, field: str
) -> None:
    # A name that is part of the addressee's own cannot be told apart inside it; alone it can, see above.
    assume(squeezed(other) not in squeezed(own))
    firm = _firm((own, other), "Wilhelmina Featherstone", "Vaccination waiting list")
    hidden = [other, "Wilhelmina Featherstone"]
    if field != "dataset":  # a dataset's own title may hold another's title, as "Orders 2024" holds "Orders"
        hidden.append("Vaccination waiting list")
    said = data.draw(disguised(data.draw(st.sampled_from(hidden))))
    draft, firm = _letter_with(said, field, firm)
    found = check_notice(draft, addressed(firm, "client-0"), firm)
    assert any(each.rule == "other-client" and each.blocking for each in found), (said, field)


@settings(max_examples=60, deadline=None, suppress_health_check=[HealthCheck.too_slow])
@given(own=_NAMES, other=_NAMES)
def test_a_letter_that_names_only_its_addressee_passes(own: str, other: str) -> None:
    assume(squeezed(own) != squeezed(other))
    firm = _firm((own, other), "Wilhelmina Featherstone", "Vaccination waiting list")
    draft, firm = _letter_with("we are looking into it", "measure", firm)
    assert check_notice(draft, addressed(firm, "client-0"), firm) == ()


def _letter_with(said: str, field: str, firm: Workspace) -> tuple[Draft, Workspace]:
    """Draft the letter to `client-0` with `said` slipped into one field that somebody can write freely."""
    words = f"shared with {said} since May"
    if field in {"system", "dataset", "contract"}:
        words = words.replace("\n", " ")  # the workspace refuses a title of two lines
    about = case(measures=(f"we checked what is {words}",) if field == "measure" else ("we checked",))
    if field == "system":
        title = System(title=f"Server {words}", kind=SystemKind.SERVER).known_as("files")
        firm = replace(firm, systems={**firm.systems, "files": title})
    if field == "dataset":
        changed = firm.datasets["client-0"].model_copy(update={"title": f"List {words}"}).known_as("client-0")
        firm = replace(firm, datasets={**firm.datasets, "client-0": changed})
    if field == "contract":
        signed = firm.clients["client-0"].model_copy(update={"contract": f"Contract {words}"}).known_as("client-0")
        firm = replace(firm, clients={**firm.clients, "client-0": signed})
    draft = render(firm, "client/initial", facts_sheet(firm, about, "client-0", AWARE))
    if field == "body":
        draft = replace(draft, body=f"{draft.body}\nThis was {words}.\n")
    if field == "subject":
        draft = replace(draft, subject=f"{draft.subject} {' '.join(words.split())}")
    return draft, firm


KINDS = {
    "people/letter": "people:client-0",
    "people/guardian": "people:client-0",
    "insurer/notice": "insurer",
    "police/report": "police",
    "ncsc/report": "ncsc",
    "bank/notice": "bank",
    "staff/note": "staff",
    "press/holding": "press",
    "supplier/notice": "supplier",
    "sector/report": "sector:fca",
}


@settings(max_examples=120, deadline=None, suppress_health_check=[HealthCheck.too_slow])
@given(
    data=st.data(),
    own=_NAMES,
    other=_NAMES,
    template=st.sampled_from(sorted(KINDS)),
    field=st.sampled_from(("measure", "system", "body", "subject", "cause")),
)
def test_no_kind_of_notice_carries_a_clients_name_unseen(
    data: st.DataObject, own: str, other: str, template: str, field: str
) -> None:
    assume(squeezed(other) not in squeezed(own))
    firm, addressee = _firm((own, other), "Wilhelmina Featherstone", "Vaccination waiting list"), KINDS[template]
    hidden = data.draw(st.sampled_from([other, "Wilhelmina Featherstone", "Vaccination waiting list"]))
    words = f"shared with {data.draw(disguised(hidden))} since May"
    if field == "system":
        title = System(title=f"Server {' '.join(words.split())}", kind=SystemKind.SERVER).known_as("files")
        firm = replace(firm, systems={**firm.systems, "files": title})
    measure = f"we checked what is {words}" if field == "measure" else "we checked"
    about = case(measures=(measure,), title=words if field == "cause" else "")
    draft = render(firm, template, facts_sheet(firm, about, addressee, AWARE))
    if field == "body":
        draft = replace(draft, body=f"{draft.body}\nThis was {words}.\n")
    if field == "subject":
        draft = replace(draft, subject=f"{draft.subject} {' '.join(words.split())}")
    whom = addressed(firm, addressee)
    found = [each for each in check_notice(draft, whom, firm) if each.rule == "other-client"]
    # A field that this kind of notice does not show cannot leak through it.
    shows = field in {"body", "subject"} or (
        field == "measure" and template not in {"staff/note", "press/holding"}
    )
    assert bool(found) or not shows, (words, field, template)
    if found and whom.kind not in HEARS_OF_CLIENTS:
        assert all(each.blocking for each in found)
    if field == "cause":
        untitled = render(firm, template, facts_sheet(firm, case(measures=(measure,)), addressee, AWARE))
        assert draft == untitled, "our working title stays in the house"
