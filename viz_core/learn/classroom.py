"""Rooms in which a class answers the same questions: who joined, what they answered, on disk so that a restart loses nothing.

Nothing personal is kept: a person is a number in a room. Rooms end by themselves.
"""

import contextlib
import secrets
import sqlite3
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path

from viz_core.errors import ConvscopeError

LETTERS = "ABCDEFGHJKMNPQRSTUVWXYZ23456789"  # none that look alike
CODE_LENGTH = 6
LIFETIME_S = 12 * 3600
MOST_PEOPLE = 200
PATIENCE_S = 10

_SCHEMA = """
create table if not exists rooms (code text primary key, recipe text not null, opened real not null);
create table if not exists people (
    token text primary key, room text not null references rooms on delete cascade, number integer not null
);
create table if not exists answers (
    token text not null references people on delete cascade, question integer not null, choice text not null,
    primary key (token, question)
);
create table if not exists paintings (
    token text not null references people on delete cascade, question integer not null, cells text not null,
    primary key (token, question)
);
create table if not exists hosts (
    room text primary key references rooms on delete cascade, token text not null, revealed integer not null
);
create index if not exists people_by_room on people (room);
"""
_WHILE_OPEN = (
    "select ?, ?, ? where not exists "
    "(select 1 from people join hosts using (room) where people.token = ? and hosts.revealed)"
)


@dataclass(frozen=True)
class Answer:
    """What person `number` chose for a question."""

    number: int
    question: int
    choice: str


class Classroom:
    """All rooms of one server in one SQLite file; may be used from any thread and by several processes."""

    def __init__(self, file: Path, now: Callable[[], float] = time.time) -> None:
        """Open or make the file; raises ConvscopeError where the disk does not let us."""
        self._file = file
        self._now = now
        try:
            file.parent.mkdir(parents=True, exist_ok=True)
            with self._connected() as connection:
                connection.execute("pragma journal_mode = wal")
                connection.executescript(_SCHEMA)
        except OSError as error:
            raise ConvscopeError("learn_errors.no_disk", reason=error.strerror or error) from error

    @contextlib.contextmanager
    def _connected(self) -> Iterator[sqlite3.Connection]:
        try:
            connection = sqlite3.connect(self._file, timeout=PATIENCE_S)
        except sqlite3.Error as error:
            raise ConvscopeError("learn_errors.no_disk", reason=error) from error
        try:
            connection.execute("pragma foreign_keys = on")
            with connection:
                yield connection
        except sqlite3.OperationalError as error:
            raise ConvscopeError("learn_errors.no_disk", reason=error) from error
        finally:
            connection.close()

    def open_room(self, recipe: str) -> str:
        """A new room for the questions of this recipe; its code. Rooms past their lifetime end on this occasion."""
        with self._connected() as connection:
            connection.execute("delete from rooms where opened < ?", (self._now() - LIFETIME_S,))
            code = "".join(secrets.choice(LETTERS) for _ in range(CODE_LENGTH))
            connection.execute("insert into rooms values (?, ?, ?)", (code, recipe, self._now()))
            connection.execute("insert into hosts values (?, ?, 0)", (code, secrets.token_urlsafe(16)))
        return code

    def recipe(self, code: str) -> str:
        """The recipe of a room's questions; raises ConvscopeError where there is no such room any more."""
        with self._connected() as connection:
            row = connection.execute(
                "select recipe from rooms where code = ? and opened >= ?", (code.upper(), self._now() - LIFETIME_S)
            ).fetchone()
        if row is None:
            raise ConvscopeError("learn_errors.no_room", code=code)
        return row[0]

    def host(self, code: str) -> str:
        """The secret token of whoever opened the room."""
        self.recipe(code)
        with self._connected() as connection:
            row = connection.execute("select token from hosts where room = ?", (code.upper(),)).fetchone()
        if row is None:
            raise ConvscopeError("learn_errors.no_room", code=code)
        return row[0]

    def is_host(self, token: str, code: str) -> bool:
        """Whether this is the token of whoever opened the room."""
        return secrets.compare_digest(token.encode(), self.host(code).encode())

    def reveal(self, code: str) -> None:
        """Let everybody see the answers; no more are taken in from then on."""
        with self._connected() as connection:
            connection.execute("update hosts set revealed = 1 where room = ?", (code.upper(),))

    def is_revealed(self, code: str) -> bool:
        """Whether everybody may see the answers."""
        with self._connected() as connection:
            row = connection.execute("select revealed from hosts where room = ?", (code.upper(),)).fetchone()
        return bool(row and row[0])

    def join(self, code: str) -> str:
        """A secret token for a new person in the room."""
        self.recipe(code)
        token = secrets.token_urlsafe(16)
        with self._connected() as connection:
            connection.execute("begin immediate")
            (people,) = connection.execute("select count(*) from people where room = ?", (code.upper(),)).fetchone()
            if people >= MOST_PEOPLE:
                raise ConvscopeError("learn_errors.room_full", code=code, people=MOST_PEOPLE)
            connection.execute("insert into people values (?, ?, ?)", (token, code.upper(), people + 1))
        return token

    def belongs(self, token: str, code: str) -> bool:
        """Whether this is the token of a person in the room."""
        with self._connected() as connection:
            found = connection.execute("select 1 from people where token = ? and room = ?", (token, code.upper()))
            return found.fetchone() is not None

    def answer(self, token: str, question: int, choice: str) -> None:
        """Take in a person's answer, the first to a question, until all are revealed; raises ConvscopeError in an ended room."""
        try:
            with self._connected() as connection:
                connection.execute(f"insert or ignore into answers {_WHILE_OPEN}", (token, question, choice, token))
        except sqlite3.IntegrityError as error:
            raise ConvscopeError("learn_errors.room_ended") from error

    def paint(self, token: str, question: int, cells: str) -> None:
        """Take in where a person looked, as `looked.pack` writes it; the first for a question stands."""
        try:
            with self._connected() as connection:
                connection.execute(f"insert or ignore into paintings {_WHILE_OPEN}", (token, question, cells, token))
        except sqlite3.IntegrityError as error:
            raise ConvscopeError("learn_errors.room_ended") from error

    def paintings_of(self, token: str) -> dict[int, str]:
        """Where a person looked so far, by question; nothing painted is an empty text."""
        with self._connected() as connection:
            return dict(connection.execute("select question, cells from paintings where token = ?", (token,)))

    def paintings(self, code: str, question: int) -> tuple[str, ...]:
        """Where the people of a room looked in the picture of a question; those who painted nothing are left out."""
        with self._connected() as connection:
            rows = connection.execute(
                "select cells from paintings join people using (token) where room = ? and question = ? and cells != '' "
                "order by number",
                (code.upper(), question),
            ).fetchall()
        return tuple(cells for (cells,) in rows)

    def answers_of(self, token: str) -> dict[int, str]:
        """What a person has answered so far, by question."""
        with self._connected() as connection:
            return dict(connection.execute("select question, choice from answers where token = ?", (token,)))

    def answers(self, code: str) -> tuple[Answer, ...]:
        """All answers of a room."""
        with self._connected() as connection:
            rows = connection.execute(
                "select number, question, choice from answers join people using (token) where room = ? "
                "order by number, question",
                (code.upper(),),
            ).fetchall()
        return tuple(Answer(*row) for row in rows)

    def people(self, code: str) -> int:
        """How many have joined a room."""
        with self._connected() as connection:
            return connection.execute("select count(*) from people where room = ?", (code.upper(),)).fetchone()[0]

    def close(self, code: str) -> None:
        """End a room and forget its answers."""
        with self._connected() as connection:
            connection.execute("delete from rooms where code = ?", (code.upper(),))
