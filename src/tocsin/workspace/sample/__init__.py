"""The sample workspace: a made-up agency whose data is generated, the same bytes each time.

About 50 MB: a file share with documents of two clients and of our own, a SQLite database, a PostgreSQL-style
dump and a website. Every name is invented, every domain is reserved for examples, every telephone number
is one the regulator keeps for drama. Only the login of the first person depends on the machine.
"""

from collections.abc import Iterator

from tocsin.workspace.sample.databases import crm_database, shop_dump, signups_dump
from tocsin.workspace.sample.documents import file_share, website

__all__ = ["data_files"]


def data_files() -> Iterator[tuple[str, bytes]]:
    """Yield each generated file's path below the workspace, and its bytes."""
    yield from file_share("data/file-share")
    yield "data/crm/crm.sqlite", crm_database()
    yield "data/shop-database/shop.sql", shop_dump()
    yield from website("data/website")
    yield "data/website/signups.sql", signups_dump()
