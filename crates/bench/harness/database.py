"""The private PostgreSQL of a suite, and the rows in it.

Rows are numbered from 0. The id of a row is its number; in each block of 10,000 rows there are 100 names, each of 100 rows that lie apart. So a
table can grow, and each name has 100 rows whatever the size. `crates/bench/src/load/rows.rs` has the same rule."""

import subprocess

BLOCK = 10_000
TENANT = "default"


def id_of(number):
    """The id of a row, as SQL."""
    return f"('00000000-0000-7000-8000-' || lpad(to_hex(({number})::bigint), 12, '0'))::uuid"


class Database:
    def __init__(self, data):
        self.data = data
        socket = next(path for path in data.rglob(".s.PGSQL.*") if not path.name.endswith(".lock"))
        # With a long path of the data directory the socket is elsewhere; the folder of a benchmark is short.
        self.url = f"host={socket.parent} user=groundplan dbname=groundplan"

    def pid(self):
        return int((self.data / "postgres/data/postmaster.pid").read_text().split()[0])

    def run(self, *statements):
        """Runs each statement by itself; returns the output of all."""
        commands = [word for statement in statements for word in ("--command", statement)]
        done = subprocess.run(["psql", "--no-psqlrc", "--quiet", "--tuples-only", "--no-align", "--set=ON_ERROR_STOP=1", self.url, *commands],
                              capture_output=True, text=True, stdin=subprocess.DEVNULL)
        if done.returncode:
            raise SystemExit(f"bench: psql: {done.stderr}")
        return done.stdout.strip()

    def fill(self, table, start, end, text="'group ' || (n / 10000 * 100 + n % 100)"):
        """Inserts the rows from `start` up to `end`, past the event log."""
        time = "timestamptz '2026-01-01' + n * interval '1 second'"
        self.run(f"INSERT INTO {table} (_tenant, _version, id, field1, field2, created_at, updated_at) "
                 f"SELECT '{TENANT}', 1, {id_of('n')}, {text}, n, {time}, {time} FROM generate_series({start}, {end - 1}) AS n",
                 f"VACUUM (ANALYZE) {table}")

    def make_peer(self):
        """The peer's tables: like the model's, and a log."""
        self.run("CREATE SCHEMA peer", "CREATE TABLE peer.entity (LIKE example_v1.entity INCLUDING ALL)",
                 "CREATE TABLE peer.changes (position bigserial PRIMARY KEY, appended_at timestamptz NOT NULL DEFAULT clock_timestamp(), "
                 'tenant text COLLATE "C" NOT NULL, topic text COLLATE "C" NOT NULL, key uuid NOT NULL, kind smallint NOT NULL, payload bytea NOT NULL)')

    def make_reference(self, rows):
        """The tables of the reference peer: its preload.sql, with our rows."""
        self.run("CREATE SCHEMA reference",
                 "CREATE TABLE reference.entity (tenant text NOT NULL, id uuid NOT NULL, field1 text NOT NULL, field2 float8 NOT NULL, note text NOT NULL, "
                 "created_at timestamptz NOT NULL, updated_at timestamptz NOT NULL, version int8 NOT NULL, PRIMARY KEY (tenant, id))",
                 "CREATE TABLE reference.changes (seq bigserial PRIMARY KEY, tenant text NOT NULL, entity_id uuid NOT NULL, op int2 NOT NULL, version int8 NOT NULL, "
                 "payload bytea NOT NULL, at timestamptz NOT NULL DEFAULT now())",
                 "INSERT INTO reference.entity SELECT _tenant, id, field1, field2, '', created_at, updated_at, _version FROM example_v1.entity "
                 f"WHERE id < {id_of(rows)}",
                 "CREATE INDEX entity_field1 ON reference.entity (tenant, field1)", "VACUUM (ANALYZE) reference.entity")
