"""Splits names and lower-cases e-mails, with one UPDATE for each row."""

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


def upgrade():
    connection = op.get_bind()
    select = sa.select(users.c.id, users.c.full_name, users.c.email)
    for user in connection.execute(select.execution_options(yield_per=5000)):
        first_name, space, last_name = user.full_name.partition(" ")
        connection.execute(
            users.update()
            .where(users.c.id == user.id)
            .values(
                first_name=first_name,
                last_name=last_name if space else None,
                email=user.email.lower(),
            )
        )
