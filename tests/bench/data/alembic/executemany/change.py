"""Splits names and lower-cases e-mails, with the UPDATEs sent in batches."""

import sqlalchemy as sa
from alembic import op

revision = "change"
down_revision = None

users = sa.table(
    "users",
    sa.column("id", sa.BigInteger),
    sa.column("full_name", sa.Text),
    sa.column("first_name", sa.Text),
    sa.column("last_name", sa.Text),
    sa.column("email", sa.Text),
)

update = (
    users.update()
    .where(users.c.id == sa.bindparam("key"))
    .values(
        first_name=sa.bindparam("first"),
        last_name=sa.bindparam("last"),
        email=sa.bindparam("address"),
    )
)


def upgrade():
    connection = op.get_bind()
    select = sa.select(users.c.id, users.c.full_name, users.c.email)
    result = connection.execute(select.execution_options(yield_per=5000))
    for batch in result.partitions():
        connection.execute(update, [change(user) for user in batch])


def change(user):
    first, space, last = user.full_name.partition(" ")
    return {
        "key": user.id,
        "first": first,
        "last": last if space else None,
        "address": user.email.lower(),
    }
