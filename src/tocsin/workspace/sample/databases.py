"""The sample's databases: one SQLite file, and dumps as `pg_dump` writes them, which psql can load."""

import sqlite3
from collections.abc import Iterable, Iterator
from contextlib import closing
from datetime import date

from tocsin.workspace.sample.cast import Dice

CUSTOMERS = 9000
ORDERS = 45_000
CONTACTS = 3200
SIGNUPS = 4100

_GOODS = ("tulip bulbs", "seed potatoes", "slate labels", "hand fork", "compost 40 l", "cloche", "twine", "trug")
_ASKED = (
    "a quotation",
    "a call back",
    "opening hours",
    "a new website",
    "a printed brochure",
    "help with a campaign",
)

_PREAMBLE = """--
-- PostgreSQL database dump
--

SET statement_timeout = 0;
SET lock_timeout = 0;
SET client_encoding = 'UTF8';
SET standard_conforming_strings = on;
SET check_function_bodies = false;
SET client_min_messages = warning;

"""
_SHOP_TABLES = """CREATE TABLE public.customers (
    id integer NOT NULL,
    name text NOT NULL,
    email text NOT NULL,
    phone text,
    address text
);

CREATE TABLE public.orders (
    id integer NOT NULL,
    customer_id integer NOT NULL,
    ordered_on date NOT NULL,
    goods text NOT NULL,
    pence integer NOT NULL,
    note text
);

"""
_SHOP_KEYS = """ALTER TABLE ONLY public.customers
    ADD CONSTRAINT customers_pkey PRIMARY KEY (id);

ALTER TABLE ONLY public.orders
    ADD CONSTRAINT orders_pkey PRIMARY KEY (id);

ALTER TABLE ONLY public.orders
    ADD CONSTRAINT orders_customer_id_fkey FOREIGN KEY (customer_id) REFERENCES public.customers(id);

"""
_SIGNUP_TABLE = """CREATE TABLE public.signups (
    id integer NOT NULL,
    name text NOT NULL,
    email text NOT NULL,
    page text NOT NULL,
    visits integer NOT NULL
);

"""
_END = "--\n-- PostgreSQL database dump complete\n--\n"


def shop_dump() -> bytes:
    """Return the shop's database as a plain PostgreSQL dump."""
    dice = Dice("shop")
    people = (dice.somebody(number) for number in range(CUSTOMERS))
    customers = (
        (number, who.name, who.email, who.phone, who.address) for number, who in enumerate(people, start=1)
    )
    parts = [
        _PREAMBLE,
        _SHOP_TABLES,
        _copy("customers", ("id", "name", "email", "phone", "address"), customers),
        _copy("orders", ("id", "customer_id", "ordered_on", "goods", "pence", "note"), _orders(dice)),
        _SHOP_KEYS,
        _END,
    ]
    return "".join(parts).encode()


def signups_dump() -> bytes:
    """Return the campaign pages' sign-ups as a plain PostgreSQL dump."""
    dice = Dice("signups")
    people = (dice.somebody(number) for number in range(SIGNUPS))
    rows = (
        (number, who.name, who.email, dice.pick(("spring-in-the-garden", "autumn-bulbs")), 1 + dice.below(30))
        for number, who in enumerate(people, start=1)
    )
    copied = _copy("signups", ("id", "name", "email", "page", "visits"), rows)
    return f"{_PREAMBLE}{_SIGNUP_TABLE}{copied}{_END}".encode()


def crm_database() -> bytes:
    """Return our own contacts and enquiries as a SQLite database."""
    dice = Dice("crm")
    with closing(sqlite3.connect(":memory:", isolation_level=None)) as database:
        database.executescript(
            "CREATE TABLE contacts (id INTEGER PRIMARY KEY, name TEXT NOT NULL, email TEXT NOT NULL, phone TEXT);"
            "CREATE TABLE enquiries (id INTEGER PRIMARY KEY, contact_id INTEGER NOT NULL REFERENCES contacts (id),"
            " received TEXT NOT NULL, asked TEXT NOT NULL);"
            "CREATE INDEX enquiries_of ON enquiries (contact_id);"
        )
        people = (dice.somebody(number) for number in range(CONTACTS))
        database.execute("BEGIN")
        database.executemany(
            "INSERT INTO contacts VALUES (?, ?, ?, ?)",
            ((number, who.name, who.email, who.phone) for number, who in enumerate(people, start=1)),
        )
        database.executemany("INSERT INTO enquiries VALUES (?, ?, ?, ?)", _enquiries(dice))
        database.execute("COMMIT")
        return database.serialize()


def _orders(dice: Dice) -> Iterator[tuple[object, ...]]:
    for number in range(1, ORDERS + 1):
        goods, note = dice.pick(_GOODS), "leave with a neighbour" if dice.below(5) == 0 else None
        ordered = date.fromordinal(date(2022, 1, 1).toordinal() + number * 1780 // ORDERS)
        yield number, 1 + dice.below(CUSTOMERS), ordered, goods, 150 + 5 * dice.below(1200), note


def _enquiries(dice: Dice) -> Iterator[tuple[object, ...]]:
    for number in range(1, 2 * CONTACTS + 1):
        received = str(dice.day(date(2024, 1, 8), 1040))
        yield number, 1 + dice.below(CONTACTS), received, f"They asked for {dice.pick(_ASKED)}."


def _copy(table: str, columns: tuple[str, ...], rows: Iterable[tuple[object, ...]]) -> str:
    head = f"COPY public.{table} ({', '.join(columns)}) FROM stdin;\n"
    lines = ("\t".join("\\N" if cell is None else str(cell) for cell in row) for row in rows)
    return f"{head}{chr(10).join(lines)}\n\\.\n\n"
