"""Alembic's entry: runs the migrations on the connection that ``resources.schema.migrate`` hands over."""

from alembic import context

from resources.ops import METADATA, SCHEMA

connection = context.config.attributes["connection"]
context.configure(
    connection=connection, target_metadata=METADATA, version_table_schema=SCHEMA, include_schemas=True
)
with context.begin_transaction():
    context.run_migrations()
