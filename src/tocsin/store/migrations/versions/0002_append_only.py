"""The database itself refuses to rewrite the journal, and the chains of custody of evidence.

A signed head says that it was rewritten; these triggers say no in the first place, to our own mistakes above all.
Whoever may drop a trigger can still do it: then the signed heads, posted outside, tell.
"""

from alembic import op

revision = "0002"
down_revision = "0001"

SQLITE = (
    # Also closes `INSERT OR REPLACE`, which deletes the old row without asking the delete trigger.
    """
    CREATE TRIGGER journal_appends BEFORE INSERT ON journal
    WHEN NEW.seq IS NOT (SELECT coalesce(max(seq), 0) + 1 FROM journal)
      OR NEW.previous IS NOT coalesce((SELECT hash FROM journal WHERE seq = NEW.seq - 1), printf('%064d', 0))
    BEGIN SELECT raise(ABORT, 'the journal is append-only: this entry does not follow the last'); END
    """,
    """
    CREATE TRIGGER journal_head_appends BEFORE INSERT ON journal_head
    WHEN EXISTS (SELECT 1 FROM journal_head WHERE seq = NEW.seq AND key = NEW.key)
      OR NEW.hash IS NOT (SELECT hash FROM journal WHERE seq = NEW.seq)
    BEGIN SELECT raise(ABORT, 'the journal is append-only: this head is not of its entry'); END
    """,
    """
    CREATE TRIGGER journal_private_appends BEFORE INSERT ON journal_private
    WHEN EXISTS (SELECT 1 FROM journal_private WHERE seq = NEW.seq AND name = NEW.name)
    BEGIN SELECT raise(ABORT, 'the journal is append-only: a private text may be erased, not replaced'); END
    """,
    *(
        f"""
        CREATE TRIGGER {table}_refuses_{action} BEFORE {action} ON {table}
        BEGIN SELECT raise(ABORT, 'the journal is append-only: {action} on {table} is refused'); END
        """
        for table, action in (
            ("journal", "update"),
            ("journal", "delete"),
            ("journal_head", "update"),
            ("journal_head", "delete"),
            ("journal_private", "update"),
        )
    ),
    *(
        f"""
        CREATE TRIGGER custody_refuses_{action} BEFORE {action} ON custody
        BEGIN SELECT raise(ABORT, 'the chain of custody is append-only: {action} is refused'); END
        """
        for action in ("update", "delete")
    ),
)

POSTGRES = (
    """
    CREATE FUNCTION tocsin_refuse() RETURNS trigger LANGUAGE plpgsql AS $$
    BEGIN
        RAISE EXCEPTION 'the journal is append-only: % on % is refused', lower(TG_OP), TG_TABLE_NAME
            USING ERRCODE = 'integrity_constraint_violation';
    END $$
    """,
    """
    CREATE FUNCTION tocsin_follow() RETURNS trigger LANGUAGE plpgsql AS $$
    BEGIN
        IF NEW.seq <> (SELECT coalesce(max(seq), 0) + 1 FROM journal)
           OR NEW.previous <> coalesce((SELECT hash FROM journal WHERE seq = NEW.seq - 1), repeat('0', 64)) THEN
            RAISE EXCEPTION 'the journal is append-only: this entry does not follow the last'
                USING ERRCODE = 'integrity_constraint_violation';
        END IF;
        RETURN NEW;
    END $$
    """,
    """
    CREATE FUNCTION tocsin_head_of_entry() RETURNS trigger LANGUAGE plpgsql AS $$
    BEGIN
        IF NEW.hash IS DISTINCT FROM (SELECT hash FROM journal WHERE seq = NEW.seq) THEN
            RAISE EXCEPTION 'the journal is append-only: this head is not of its entry'
                USING ERRCODE = 'integrity_constraint_violation';
        END IF;
        RETURN NEW;
    END $$
    """,
    "CREATE TRIGGER journal_appends BEFORE INSERT ON journal FOR EACH ROW EXECUTE FUNCTION tocsin_follow()",
    """
    CREATE TRIGGER journal_head_appends BEFORE INSERT ON journal_head
    FOR EACH ROW EXECUTE FUNCTION tocsin_head_of_entry()
    """,
    *(
        f"CREATE TRIGGER {table}_refuses_change BEFORE {actions} ON {table} EXECUTE FUNCTION tocsin_refuse()"
        for table, actions in (
            ("journal", "UPDATE OR DELETE OR TRUNCATE"),
            ("journal_head", "UPDATE OR DELETE OR TRUNCATE"),
            ("journal_private", "UPDATE OR TRUNCATE"),
            ("custody", "UPDATE OR DELETE OR TRUNCATE"),
        )
    ),
)


def upgrade() -> None:
    """Put the triggers in place."""
    for statement in SQLITE if op.get_bind().dialect.name == "sqlite" else POSTGRES:
        op.execute(statement)
