"""The peer's statements as scripts of pgbench: one request is one script."""

from database import BLOCK, TENANT, id_of

COLUMNS = "_version, id, field1, field2, created_at, updated_at"


def scripts(rows):
    """The text of each operation's script."""
    names = rows // BLOCK * 100
    any_row = f"\\set n random(0, {rows - 1})\n"
    value = "\\set v random(0, 9999)\n"
    insert = (f"INSERT INTO peer.entity (_tenant, _version, id, field1, field2, created_at, updated_at) VALUES ('{TENANT}', 1, gen_random_uuid(), "
              "'new ' || :v::text || ' 0123456789abc', :v::float8, now(), now()) ON CONFLICT (_tenant, id) DO NOTHING")
    update = (f"UPDATE peer.entity SET _version = :version + 1, field1 = 'new ' || :v::text || ' 0123456789abc', field2 = :v::float8, updated_at = now() "
              f"WHERE _tenant = '{TENANT}' AND id = {id_of(':n')} AND _version = :version")
    read = f"SELECT {COLUMNS} FROM peer.entity WHERE _tenant = '{TENANT}' AND id = {id_of(':n')}"
    return {
        "get": f"{any_row}{read};\n",
        "list": f"\\set g random(0, {names - 1})\n"
                f"SELECT {COLUMNS} FROM peer.entity WHERE _tenant = '{TENANT}' AND field1 = 'group ' || :g::text ORDER BY id LIMIT 21;\n",
        "create_without_log": f"{value}{insert};\n",
        "create": f"{value}{logged(insert, 'gen_random_uuid()', 1)};\n",
        "update": f"{any_row}{value}{read.replace('_version,', '_version AS version,', 1)} \\gset\n{logged(update, id_of(':n'), 2)};\n",
    }


def logged(change, key, kind):
    """A change with its event, in one statement."""
    return (f"WITH change AS ({change} RETURNING 1) INSERT INTO peer.changes (tenant, topic, key, kind, payload) "
            f"SELECT '{TENANT}', 'example.v1.Entity', {key}, {kind}, decode(repeat('ab', 90), 'hex') FROM change")
