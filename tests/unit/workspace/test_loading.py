"""A workspace is read whole: every fault at its place, in a sentence, and all of them at once."""

import os

import pytest

from golden_files import agrees_with_golden
from tocsin.errors import ConfigurationError
from tocsin.workspace import load

FILES = {
    "tocsin.yaml": """\
tocsin: 1
organisation:
  name: Larkfield Studio Ltd
include: [people.yaml, "more/*.yaml"]
systems:
  files:
    title: Files
    kind: file_share
    paths: [data/files]
    owner: maya
  shop:
    title: Shop
    kind: database
    depends_on: [files]
datasets:
  orders:
    title: Orders
    label: personal
    data: [name, order_history]
    people: {groups: [customer], count: 40}
    client: moss
    systems: [files]
    retention: 6 years
    backup_plan: nightly
repositories:
  local:
    location: repositories/local
    password: file:.tocsin/secrets/local.password
backup_plans:
  nightly:
    title: Every night
    sources:
      - paths: [data/files]
    repositories: [local]
    schedule: "30 2 * * *"
    rpo: 26h
    rto: 4h
    retention: {daily: 7}
channels:
  mail: {host: 127.0.0.1, port: 8025, security: none, sender: t@larkfield.example}
alarms: [mail]
store: sqlite:///.tocsin/tocsin.db
""",
    "people.yaml": """\
people:
  maya:
    name: Maya Okafor
    email: maya@larkfield.example
    roles: [commander, technical]
    deputy: tom
    login: maya
  tom:
    name: Tom Ashdown
    roles: [dpo, communications]
    deputy: maya
    login: tom
""",
    "more/clients.yaml": """\
clients:
  moss:
    name: Moss & Fern
    notice_hours: 24
""",
    "drills/quarterly.yaml": """\
drill: quarterly
title: Bring the files back
backup_plan: nightly
targets: {rto: 4h}
owner: tom
""",
}


def webhook(event: str, url: str) -> str:
    return f"webhooks:\n  ops: {{url: '{url}', secret: 'env:OPS', events: ['{event}']}}\nchannels:\n"


# One defect each: the file, what stands there, and what is written in its place.
BROKEN = {
    "an unknown key": ("tocsin.yaml", "organisation:", "organisaton: {}\norganisation:"),
    "an unknown key inside": ("tocsin.yaml", "    kind: database", "    kinds: database\n    kind: database"),
    "a missing key": ("tocsin.yaml", "    title: Orders\n", ""),
    "a key without a value": ("tocsin.yaml", "  name: Larkfield Studio Ltd", "  name:\n  sector: x"),
    "a key given twice": ("tocsin.yaml", "    rto: 4h", "    rto: 4h\n    rto: 5h"),
    "an entry given in two files": ("more/clients.yaml", "clients:\n", "people: {tom: {name: T}}\nclients:\n"),
    "a wrong choice": ("tocsin.yaml", "kind: database", "kind: databse"),
    "a wrong data code": ("tocsin.yaml", "order_history", "orders"),
    "a number where text belongs": ("people.yaml", "    login: tom", "    login: tom\n    phone: 07700900123"),
    "text where a number belongs": ("more/clients.yaml", "24", "a day"),
    "a negative count": ("tocsin.yaml", "count: 40", "count: -1"),
    "a list that is not one": ("tocsin.yaml", "repositories: [local]", "repositories: local"),
    "an id in capitals": ("more/clients.yaml", "  moss:", "  Moss:\n    name: M\n  moss:"),
    "an unknown client": ("tocsin.yaml", "client: moss", "client: mos"),
    "an unknown person": ("people.yaml", "deputy: tom", "deputy: tim"),
    "an unknown system": ("tocsin.yaml", "systems: [files]", "systems: [files, filles]"),
    "an unknown backup plan": ("tocsin.yaml", "backup_plan: nightly", "backup_plan: nitely"),
    "an unknown repository": ("tocsin.yaml", "repositories: [local]", "repositories: [loocal]"),
    "a day that never comes": ("tocsin.yaml", "30 2 * * *", "0 3 31 2 *"),
    "a schedule of words": ("tocsin.yaml", "30 2 * * *", "every night"),
    "a duration without a unit": ("tocsin.yaml", "rpo: 26h", "rpo: 26"),
    "a retention that keeps nothing": ("tocsin.yaml", "{daily: 7}", "{daily: 0}"),
    "a password": ("tocsin.yaml", "file:.tocsin/secrets/local.password", "correct-horse"),
    "a password in an address": ("tocsin.yaml", "repositories/local\n", "rest:https://us:correct-horse@host/\n"),
    "a store of another kind": ("tocsin.yaml", "sqlite:///.tocsin/tocsin.db", "mysql://host/db"),
    "a time zone that is none": ("tocsin.yaml", "Studio Ltd", "Studio Ltd\n  timezone: Europe/Londn"),
    "a country that is none": ("tocsin.yaml", "Studio Ltd", "Studio Ltd\n  countries: [UK]"),
    "a shared name as a person": ("people.yaml", "  tom:\n", "  marketing: {name: M}\n  tom:\n"),
    "a shared login": ("people.yaml", "login: tom", "login: admin"),
    "one login for two": ("people.yaml", "login: tom", "login: maya"),
    "a mail address that is none": ("people.yaml", "maya@larkfield.example", "maya at larkfield"),
    "one's own deputy": ("people.yaml", "deputy: tom", "deputy: maya"),
    "a ring of systems": ("tocsin.yaml", "    owner: maya", "    owner: maya\n    depends_on: [shop]"),
    "a file that is not there": ("tocsin.yaml", "people.yaml", "poeple.yaml"),
    "a file outside": ("tocsin.yaml", "people.yaml", "../people.yaml"),
    "an include within an include": ("people.yaml", "people:", "include: [x.yaml]\npeople:"),
    "an included list": (
        "more/clients.yaml",
        "clients:\n  moss:\n    name: Moss & Fern\n    notice_hours: 24",
        "- moss",
    ),
    "a tab": ("people.yaml", "    name: Tom", "\tname: Tom"),
    "an open quote": ("people.yaml", "Tom Ashdown", "'Tom Ashdown"),
    "an alias": ("people.yaml", "login: tom", "login: *tom"),
    "another version": ("tocsin.yaml", "tocsin: 1", "tocsin: 2"),
    "an unknown alarm channel": ("tocsin.yaml", "alarms: [mail]", "alarms: [mial]"),
    "a port that is none": ("tocsin.yaml", "8025", "80250"),
    "a name on two lines": ("more/clients.yaml", "name: Moss & Fern", "name: |\n      Moss\n      Fern"),
    "a private key": (
        "people.yaml",
        "login: tom",
        "login: tom\n    ssh_key: '-----BEGIN OPENSSH PRIVATE KEY-----'",
    ),
    "a password without a username": ("tocsin.yaml", "port: 8025", "password: env:MAIL"),
    "a password in the clear": (
        "tocsin.yaml",
        "host: 127.0.0.1, port: 8025",
        "host: mail.example.com, username: u, password: env:MAIL",
    ),
    "a pattern that is none": ("tocsin.yaml", "more/*.yaml", "more/**.yaml"),
    "an exclusion that cannot be kept": (
        "tocsin.yaml",
        "      - paths: [data/files]\n",
        "      - paths: [data/files]\n        exclude: ['*.tmp', 'cache[0-9]']\n",
    ),
    "an exclusion taken back": (
        "tocsin.yaml",
        "      - paths: [data/files]\n",
        "      - paths: [data/files]\n        exclude: ['!keep']\n",
    ),
    "an unknown event": (
        "tocsin.yaml",
        "channels:\n",
        webhook("Incident Declared", "https://ops.larkfield.example/x"),
    ),
    "a webhook in the clear": (
        "tocsin.yaml",
        "channels:\n",
        webhook("incident.*", "http://ops.larkfield.example/x"),
    ),
    "a password in a webhook": (
        "tocsin.yaml",
        "channels:\n",
        webhook("incident.*", "https://u:correct-horse@ops.larkfield.example/x"),
    ),
    "a reporter of an unknown system": (
        "tocsin.yaml",
        "channels:\n",
        "reporters:\n  edr: {title: The EDR, secret: 'env:EDR', systems: [filse]}\nchannels:\n",
    ),
    "a stranger on call": (
        "tocsin.yaml",
        "channels:\n",
        "rota:\n  - {role: commander, people: [tomas]}\nchannels:\n",
    ),
    "turns that begin on a Tuesday": (
        "tocsin.yaml",
        "channels:\n",
        "rota:\n  - {role: commander, people: [tom], first_week: 2026-01-06}\nchannels:\n",
    ),
    "turns of two and nobody's week": (
        "tocsin.yaml",
        "channels:\n",
        "rota:\n  - {role: commander, people: [tom, maya]}\nchannels:\n",
    ),
    "a night that begins at 25": (
        "tocsin.yaml",
        "channels:\n",
        "rota:\n  - {role: commander, people: [tom], starts: '25:00'}\nchannels:\n",
    ),
    "evidence in an unknown repository": (
        "tocsin.yaml",
        "channels:\n",
        "evidence: {repository: valt}\nchannels:\n",
    ),
    "a drill of an unknown plan": ("drills/quarterly.yaml", "backup_plan: nightly", "backup_plan: nightli"),
    "a drill with an unknown key": ("drills/quarterly.yaml", "targets:", "target:"),
    "a drill nobody owns": ("drills/quarterly.yaml", "owner: tom", "owner: tomas"),
    "a drill of a snapshot nobody can name": (
        "drills/quarterly.yaml",
        "owner: tom",
        "owner: tom\nsnapshot: lates",
    ),
    "a drill that must reach what it has nothing for": ("drills/quarterly.yaml", "{rto: 4h}", "{integrity: L4}"),
    "a drill of a dump that the plan has not": (
        "drills/quarterly.yaml",
        "owner: tom",
        "owner: tom\ndatabases: [{kind: sqlite, dump: crn, assertions: [{query: q, expect: 1}]}]",
    ),
    "a drill that expects nothing": (
        "drills/quarterly.yaml",
        "owner: tom",
        "owner: tom\ndatabases: [{kind: sqlite, dump: data/files/a, assertions: [{query: q}]}]",
    ),
    "a drill of an unknown database": (
        "drills/quarterly.yaml",
        "owner: tom",
        "owner: tom\ndatabases: [{kind: oracle, dump: data/files/a, assertions: [{query: q, expect: 1}]}]",
    ),
    "a drill check that is two": (
        "drills/quarterly.yaml",
        "owner: tom",
        "owner: tom\nchecks: [{file: a, command: [b]}]",
    ),
    "a drill check of another machine": (
        "drills/quarterly.yaml",
        "owner: tom",
        "owner: tom\nchecks: [{http: 'https://example.com/'}]",
    ),
    "a stranger in a drill": ("drills/quarterly.yaml", "owner: tom", "owner: tom\nparticipants: [mya]"),
    "a drill of an unknown recovery plan": (
        "drills/quarterly.yaml",
        "owner: tom",
        "owner: tom\nrecovery_plan: shopp",
    ),
    "a share that is none": (
        "drills/quarterly.yaml",
        "owner: tom",
        "owner: tom\ndatabases: [{kind: sqlite, dump: data/files/a, assertions: [{query: q, within: tenth}]}]",
    ),
    "an access for nobody": (
        "tocsin.yaml",
        "    owner: maya\n",
        "    owner: maya\n    access: [{why: to look}]\n",
    ),
    "an access for a stranger": ("tocsin.yaml", "    owner: maya\n", "    owner: maya\n    access: [mya]\n"),
    "an access key misspelt": (
        "tocsin.yaml",
        "    owner: maya\n",
        "    owner: maya\n    access: [{who: maya, wy: to look}]\n",
    ),
    "a log that is not and is kept": (
        "tocsin.yaml",
        "    owner: maya\n",
        "    owner: maya\n    access_log: no\n    access_log_kept: 6 months\n",
    ),
    "a system backed up by an unknown plan": (
        "tocsin.yaml",
        "    owner: maya\n",
        "    owner: maya\n    backed_up_by: nitely\n",
    ),
    "a field that is no data code": (
        "tocsin.yaml",
        "    people: {groups: [customer], count: 40}\n",
        "    fields: {birth_date: To send a card}\n",
    ),
    "an oldest day that is none": ("tocsin.yaml", "    retention: 6 years\n", "    oldest: last spring\n"),
    "a dataset of an unknown owner": ("tocsin.yaml", "    retention: 6 years\n", "    owner: tim\n"),
    "a rule for an unknown label": (
        "tocsin.yaml",
        "alarms: [mail]\n",
        "alarms: [mail]\nhandling: {secret: {encrypted: yes}}\n",
    ),
    "an unknown rule": (
        "tocsin.yaml",
        "alarms: [mail]\n",
        "alarms: [mail]\nhandling: {sensitive: {encryption: yes}}\n",
    ),
    "a rule of no duration": (
        "tocsin.yaml",
        "alarms: [mail]\n",
        "alarms: [mail]\nhandling: {sensitive: {retention: never}}\n",
    ),
    "a departure with no end": (
        "tocsin.yaml",
        "alarms: [mail]\n",
        "alarms: [mail]\ndepartures: [{rule: encrypted, system: shop, owner: tom, reason: none}]\n",
    ),
    "a departure from an unknown rule": (
        "tocsin.yaml",
        "alarms: [mail]\n",
        "alarms: [mail]\ndepartures: [{rule: encryption, system: shop, owner: tom, reason: r, until: 2027-01-31}]\n",
    ),
    "a departure of two things": (
        "tocsin.yaml",
        "alarms: [mail]\n",
        "alarms: [mail]\ndepartures: [{rule: rpo, system: shop, dataset: orders, owner: tom, reason: r, until: 2027-01-31}]\n",
    ),
    "a departure of an unknown dataset": (
        "tocsin.yaml",
        "alarms: [mail]\n",
        "alarms: [mail]\ndepartures: [{rule: retention, dataset: order, owner: tom, reason: r, until: 2027-01-31}]\n",
    ),
    "an empty file": ("drills/quarterly.yaml", FILES["drills/quarterly.yaml"], "# later\n"),
}


@pytest.fixture
def folder(tmp_path, monkeypatch):
    write(tmp_path, FILES)
    monkeypatch.chdir(tmp_path)
    return tmp_path


def write(folder, files):
    for name, text in files.items():
        (folder / name).parent.mkdir(exist_ok=True)
        (folder / name).write_text(text, encoding="utf-8")


def what_is_said(folder, name, old, new):
    assert old in FILES[name]
    write(folder, {name: FILES[name].replace(old, new, 1)})
    with pytest.raises(ConfigurationError) as caught:
        load(folder)
    write(folder, {name: FILES[name]})
    return str(caught.value)


def test_a_whole_workspace_is_read(folder):
    workspace = load(folder)
    assert workspace.warnings == ()
    assert workspace.root == folder
    assert workspace.people["tom"].id == "tom"
    assert [client.name for client in workspace.clients_of(workspace.datasets_on(["files"]))] == ["Moss & Fern"]
    assert workspace.drills["quarterly"].schedule == "0 9 1 */3 *"


def test_each_broken_workspace_is_answered_with_its_sentence(folder):
    said = [f"## {title}\n{what_is_said(folder, *defect)}\n" for title, defect in BROKEN.items()]
    agrees_with_golden("broken-workspaces.txt", "\n".join(said))


@pytest.mark.parametrize("title", BROKEN)
def test_one_defect_is_told_once_with_its_line(folder, title):
    lines = what_is_said(folder, *BROKEN[title]).splitlines()
    # A wrong id that others refer to is told where it is wrong and nowhere else.
    assert len(lines) == 1
    assert lines[0].split(":")[0] in {*FILES, "tocsin.yaml"}


def test_no_sentence_shows_the_secret(folder):
    for title in ("a password", "a password in an address", "a password in a webhook"):
        assert "correct-horse" not in what_is_said(folder, *BROKEN[title])


def test_all_problems_of_all_files_are_told_together(folder):
    write(
        folder,
        {
            "tocsin.yaml": FILES["tocsin.yaml"]
            .replace("client: moss", "client: mos")
            .replace("rpo: 26h", "rpo: soon"),
            "people.yaml": FILES["people.yaml"].replace("deputy: tom", "deputy: tim"),
            "drills/quarterly.yaml": "drill: Q\n",
        },
    )
    with pytest.raises(ConfigurationError) as caught:
        load(folder)
    places = [(problem.place.name, problem.place.line) for problem in caught.value.problems]
    assert places == [
        ("tocsin.yaml", 21),
        ("tocsin.yaml", 36),
        ("drills/quarterly.yaml", 1),
        ("drills/quarterly.yaml", 1),
        ("drills/quarterly.yaml", 1),
        ("people.yaml", 6),
    ]


def test_a_file_that_cannot_be_read_does_not_blame_the_others(folder):
    write(folder, {"people.yaml": "people: [\n"})
    with pytest.raises(ConfigurationError) as caught:
        load(folder)
    assert {problem.place.name for problem in caught.value.problems} == {"people.yaml"}


def test_text_in_another_encoding_is_named_with_its_line(folder):
    (folder / "people.yaml").write_bytes(b"people:\n  zo\xeb: {name: Zo\xeb}\n")
    with pytest.raises(ConfigurationError, match=r"people.yaml:2:1: This line is not UTF-8 text"):
        load(folder)


def test_a_file_nobody_may_read_is_said_so(folder):
    if os.geteuid() == 0:
        (folder / "people.yaml").unlink()
        (folder / "people.yaml").mkdir()
        expected = "there is no file 'people.yaml'"
    else:
        (folder / "people.yaml").chmod(0)
        expected = "cannot be read: Permission denied"
    with pytest.raises(ConfigurationError, match=expected):
        load(folder)


def test_a_drill_id_used_twice_is_refused(folder):
    write(folder, {"drills/second.yaml": FILES["drills/quarterly.yaml"]})
    with pytest.raises(
        ConfigurationError, match=r"second.yaml:1:8: The drill 'quarterly' was already given at drills/"
    ):
        load(folder)


@pytest.mark.parametrize(
    ("file", "old", "new", "warning"),
    [
        ("people.yaml", "    deputy: tom\n", "", "people.yaml:2:3: maya has no deputy"),
        ("people.yaml", "login: maya", "login: root", "people.yaml:7:5: maya approves as root"),
        ("people.yaml", "[dpo, communications]", "[dpo]", "people.yaml:1:1: Nobody has the role communications"),
        (
            "tocsin.yaml",
            "[name, order_history]",
            "[name, health]",
            "tocsin.yaml:18:5: orders is labelled personal",
        ),
        ("tocsin.yaml", "    backup_plan: nightly\n", "", "tocsin.yaml:16:3: orders has no backup plan"),
        ("tocsin.yaml", "    systems: [files]\n", "", "tocsin.yaml:16:3: orders lives on no system"),
        (
            "tocsin.yaml",
            "location: repositories/local",
            "location: data/files/repository",
            "tocsin.yaml:30:3: nightly backs up the repository local into itself",
        ),
        ("tocsin.yaml", "rpo: 26h", "rpo: 1h", "tocsin.yaml:36:5: nightly may lose 1h at most, yet up to 1d pass"),
        (
            "tocsin.yaml",
            '"30 2 * * *"',
            '"5 * * * *"\n    timezone: Europe/London',
            "tocsin.yaml:36:5: nightly runs every hour or finer",
        ),
        (
            "tocsin.yaml",
            "alarms: [mail]",
            "alarms: [slack]",
            "tocsin.yaml:41:1: Alarms go by slack, but channels.slack",
        ),
        ("tocsin.yaml", "alarms: [mail]\n", "", "tocsin.yaml:1:1: No alarms are set"),
    ],
)
def test_what_will_hurt_on_the_night_is_a_warning(folder, file, old, new, warning):
    assert old in FILES[file]
    write(folder, {file: FILES[file].replace(old, new, 1)})
    warnings = load(folder).warnings
    assert len(warnings) == 1
    assert str(warnings[0]).startswith(warning)


def test_a_plan_without_a_drill_is_a_warning(folder):
    (folder / "drills/quarterly.yaml").unlink()
    assert [str(warning) for warning in load(folder).warnings] == [
        "tocsin.yaml:30:3: nightly has no drill: nobody knows that it can be restored."
    ]


def test_hourly_schedules_are_meant_in_utc_and_daily_ones_in_the_offices_time(folder):
    assert load(folder).backup_plans["nightly"].zone == "Europe/London"
    write(folder, {"tocsin.yaml": FILES["tocsin.yaml"].replace("30 2 * * *", "5 * * * *")})
    assert load(folder).backup_plans["nightly"].zone == "UTC"
