"""What psycopg does that psql does not: pipelines, server-side cursors, binary results, notifications."""

import psycopg

with psycopg.connect(autocommit=True) as connection:
    assert connection.execute("select %s::int + 1", (41,)).fetchone() == (42,)

    connection.execute("create temp table notes (id int primary key, body bytea)")
    with connection.pipeline():
        cursor = connection.cursor()
        cursor.executemany(
            "insert into notes values (%s, %s)", [(i, bytes([i % 256]) * i) for i in range(500)]
        )
    with connection.cursor(binary=True) as cursor:
        cursor.execute("select body from notes where id = 300")
        assert cursor.fetchone() == (bytes([300 % 256]) * 300,)

    with connection.cursor().copy("copy (select generate_series(1, 10000)) to stdout") as copy:
        assert sum(int(row[0]) for row in copy.rows()) == 50005000

    with connection.transaction():
        with connection.cursor("server_side") as cursor:
            cursor.execute("select generate_series(1, 5000)")
            assert len(cursor.fetchmany(100)) == 100

    for _ in range(10):  # becomes a prepared statement after the fifth
        assert connection.execute("select count(*) from notes where id < %s", (7,)).fetchone() == (7,)

    connection.execute("listen news")
    with psycopg.connect(autocommit=True) as other:
        other.execute("select pg_notify('news', 'hello')")
    assert [n.payload for n in connection.notifies(timeout=20, stop_after=1)] == ["hello"]

    try:
        connection.execute("select 1/0")
        raise SystemExit("a division by zero went well")
    except psycopg.errors.DivisionByZero:
        pass

print("ok")
