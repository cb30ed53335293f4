"""What our store knows that a worksheet should show: what machine checks found, how many consents there are."""

from sqlalchemy import Connection

from tocsin.practices.checks import last_check
from tocsin.practices.consents import counted
from tocsin.practices.practice import Practice
from tocsin.practices.rows import Known


def known_for(connection: Connection, practice: Practice) -> Known:
    """Return it for one practice's worksheet."""
    if practice.sheet == "updates":
        check = last_check(connection, practice.name)
        return Known(checked={one.system: one.sentence for one in check.machines} if check else {})
    return Known(consents=counted(connection)) if practice.sheet == "consent" else Known()
