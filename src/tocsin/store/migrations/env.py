"""Alembic's door: run by `tocsin.store.schema` on its own connection, inside its write transaction."""

from alembic import context

from tocsin.store.tables import metadata, restrict_indexes

restrict_indexes()
context.configure(
    connection=context.config.attributes["connection"],
    target_metadata=metadata,
    render_as_batch=True,
    transactional_ddl=True,
)
with context.begin_transaction():
    context.run_migrations()
