"""What all tables share: the one catalogue they stand in, and which rows a partial index holds."""

from sqlalchemy import MetaData, text

metadata = MetaData(
    naming_convention={
        "ix": "ix_%(table_name)s_%(column_0_N_name)s",
        "uq": "uq_%(table_name)s_%(column_0_N_name)s",
        "ck": "ck_%(table_name)s_%(constraint_name)s",
        "fk": "fk_%(table_name)s_%(column_0_N_name)s_%(referred_table_name)s",
        "pk": "pk_%(table_name)s",
    }
)

# What an index is restricted to, for `restrict_indexes`.
ONLY_WHERE = "only where"


def restrict_indexes() -> None:
    """Tell SQLAlchemy which rows the partial indexes hold; needed by whoever makes or compares the tables.

    Said here and not beside each index, because saying it loads both databases' dialects: 23 ms for every
    command that only reads.
    """
    for table in metadata.tables.values():
        for index in table.indexes:
            if where := index.info.get(ONLY_WHERE):
                index.dialect_options["sqlite"]["where"] = text(where)
                index.dialect_options["postgresql"]["where"] = text(where)
