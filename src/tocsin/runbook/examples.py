"""One step of each kind as a person would write it: for the reference page, and for the tests, which run them."""

EXAMPLES = {
    "human.ask": 'with: {question: "Do the logs show data leaving?", choices: ["yes", "no"]}\nassign: technical',
    "human.decide": "with: {duty: regulator}\nassign: dpo",
    "human.task": "with: {text: Pull the network cable; leave it running.}\nassign: technical\ntimeout: 4h",
    "wait": "with: {for: 30m}",
    "playbook": "with: {name: generic}",
    "backup.hold": "with: {systems: [file-share], reason: Held for the incident}",
    "backup.pause": "with: {reason: Nothing good may be pushed out}\nexpires: 72h",
    "backup.resume": "with: {reason: The systems are clean}",
    "backup.run": "with: {backup_plan: file-share}\nretry: {times: 3, every: 5m}",
    "backup.last_good_snapshot": "with: {systems: [file-share]}",
    "restore.recover": "with: {backup_plan: file-share, to: /srv/share, replace: true}\napprove: {by: technical}",
    "restore.verify": "with: {backup_plan: file-share}",
    "verify.file": "with: {path: data/file-share/clients.csv, at_least_bytes: 100, contains: Harbour}",
    "verify.command": "with: {argv: [df, -h, /srv], contains: /srv}\ntimeout: 1m",
    "verify.http": "with: {url: 'https://crm.example/health', contains: ok}",
    "postgres.query": 'with: {database: "env:CRM_DATABASE", query: select count(*) from crm, at_least: 9}',
    "command": 'with: {argv: [block-account, sam], environment: {TOKEN: "env:BLOCK_TOKEN"}}\ntimeout: 2m',
    "ssh.command": "with: {host: web1.example, user: ops, argv: [ifdown, eth0]}\napprove: {by: technical}",
    "http.request": "with: {method: POST, url: 'https://ldap.example/sam/disable', "
    'secret_headers: {Authorization: "env:DIRECTORY_TOKEN"}}',
    "process.stop": "with: {service: nginx.service}\nwithout_evidence: The logs lie elsewhere\nexpires: 24h",
    "process.start": "with: {service: nginx.service}",
    "notice.draft": "with: {template: client/initial, addressee: harbour-dental}",
    "notice.send": "with: {template: client/initial, addressee: harbour-dental}",
}


def example_of(kind: str) -> str:
    """Return a whole step of this kind, as it stands under `steps:`."""
    lines = [f"id: {kind.replace('.', '-').replace('_', '-')}", f"uses: {kind}", *EXAMPLES[kind].splitlines()]
    return "\n".join(("- " if number == 0 else "  ") + line for number, line in enumerate(lines)) + "\n"
