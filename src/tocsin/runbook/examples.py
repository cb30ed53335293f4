"""One step of each kind as a person would write it: for the reference page, and for the tests, which run them."""

EXAMPLES = {
    "human.ask": 'with: {question: "Do the logs show data leaving?", choices: ["yes", "no"]}\nassign: technical',
    "human.decide": "with: {duty: regulator}\nassign: dpo",
    "human.task": "with: {text: Pull the network cable; leave it running.}\nassign: technical\ntimeout: 4h",
    "wait": "with: {for: 30m}",
    "playbook": "with: {name: generic}",
    "evidence.collect": "with: {system: file-share, paths: [data/file-share], title: The share as it was found}",
    "evidence.add": "with: {path: evidence/screen.jpg, note: The ransom note on the screen}",
    "backup.last_clean_snapshot": "with: {systems: [file-share]}",
    "backup.hold": "with: {systems: [file-share], reason: Held for the incident}",
    "backup.pause": "with: {reason: Nothing good may be pushed out}\nexpires: 72h",
    "backup.resume": "with: {reason: The systems are clean}",
    "backup.run": "with: {backup_plan: file-share}\nretry: {times: 3, every: 5m}",
    "backup.last_good_snapshot": "with: {systems: [file-share]}",
    "restore.recover": "with: {backup_plan: file-share, to: /srv/share, replace: true}\napprove: {by: technical}",
    "restore.choose": "with: {backup_plan: file-share, snapshot: before 2026-11-20T17:00Z}",
    "restore.files": "with: {backup_plan: file-share, snapshot: last clean, to: /srv/share, replace: true}",
    "restore.database": "with: {engine: postgres, name: shop, backup_plan: file-share, dump: shop}\ntimeout: 4h",
    "verify.sql": "with: {database: shop, query: select count(*) from orders, at_least: 40000}",
    "verify.application": "with: {argv: [php, -l, '{restored}/index.php']}\ntimeout: 2m",
    "restore.verify": "with: {backup_plan: file-share}",
    "verify.file": "with: {path: data/file-share/clients.csv, at_least_bytes: 100, contains: Harbour}",
    "verify.command": "with: {argv: [df, -h, /srv], contains: /srv}\ntimeout: 1m",
    "verify.http": "with: {url: 'https://crm.example/health', contains: ok}",
    "postgres.query": 'with: {database: "env:CRM_DATABASE", query: select count(*) from crm, at_least: 9}',
    "command": 'with: {argv: [block-account, sam], environment: {TOKEN: "env:BLOCK_TOKEN"}}\ntimeout: 2m',
    "ssh.command": "with: {host: web1.example, user: ops, argv: [ifdown, eth0]}\napprove: {by: technical}",
    "http.request": "with: {method: POST, url: 'https://ldap.example/sam/disable', "
    'secret_headers: {Authorization: "env:DIRECTORY_TOKEN"}}',
    "mysql.query": 'with: {database: "env:SHOP_DATABASE", query: select count(*) from orders, at_least: 100}',
    "contain.isolate_host": "with: {host: web1.example, user: root, allow: [198.51.100.20], "
    "must_stop_out: ['203.0.113.9:443']}\nwithout_evidence: Memory and logs were taken\n"
    "approve: {by: technical}\nexpires: 72h",
    "contain.block_address": "with: {host: web1.example, user: root, addresses: [203.0.113.9, '2001:db8:6::/48'], "
    "never: [198.51.100.0/24], for: 24h}\nexpires: 24h",
    "contain.lock_account": "with: {host: web1.example, user: ops, sudo: true, account: sam}\n"
    "without_evidence: The account is only suspected\nexpires: 72h",
    "contain.postgres_role": 'with: {database: "env:CRM_ADMIN", role: crm, '
    "new_password: {file: secrets/crm.password}}\nexpires: 24h",
    "contain.mysql_account": 'with: {database: "env:SHOP_ADMIN", account: shop, '
    "new_password: {command: [keep, shop]}}\nexpires: 24h",
    "contain.revoke_keys": "with: {host: web1.example, user: root, files: [/home/sam/.ssh/authorized_keys], "
    "comments: [sam@laptop]}",
    "contain.rotate_secret": 'with: {argv: [set-api-token, crm], environment: {TOKEN: "env:ADMIN_TOKEN"}}',
    "contain.stop_service": "with: {host: web1.example, user: root, service: nginx.service}\n"
    "without_evidence: The logs lie elsewhere\nexpires: 24h",
    "contain.holding_page": "with: {host: web1.example, user: root, link: /srv/site, url: 'https://www.example'}\n"
    "expires: 48h",
    "contain.request": "with:\n  do: {method: PATCH, url: 'https://id.example/sam', body: '{\"active\": false}', "
    'secret_headers: {Authorization: "env:ID_TOKEN"}}\n'
    "  undo: {method: PATCH, url: 'https://id.example/sam', body: '{\"active\": true}', "
    'secret_headers: {Authorization: "env:ID_TOKEN"}}\n'
    "expires: 72h",
    "process.list": "with: {name: kworkerds}",
    "process.freeze": "with: {executable: /tmp/.x/encrypt}",
    "process.kill": "with: {executable: /tmp/.x/encrypt, signal: KILL}\nwithout_evidence: Its memory was taken",
    "process.stop": "with: {service: nginx.service}\nwithout_evidence: The logs lie elsewhere\nexpires: 24h",
    "process.start": "with: {service: nginx.service}",
    "notice.draft": "with: {template: client/initial, addressee: harbour-dental}",
    "notice.send": "with: {template: client/initial, addressee: harbour-dental}",
}


def example_of(kind: str) -> str:
    """Return a whole step of this kind, as it stands under `steps:`."""
    lines = [f"id: {kind.replace('.', '-').replace('_', '-')}", f"uses: {kind}", *EXAMPLES[kind].splitlines()]
    return "\n".join(("- " if number == 0 else "  ") + line for number, line in enumerate(lines)) + "\n"
