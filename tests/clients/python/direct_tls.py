"""TLS from the first byte, with the protocol's name in it (libpq 17 and later), and channel binding on top."""

import psycopg

assert psycopg.pq.version() >= 170000, psycopg.pq.version()

with psycopg.connect(sslmode="require", sslnegotiation="direct", channel_binding="require") as connection:
    assert connection.pgconn.ssl_in_use
    assert connection.execute("select %s::int + 1", (41,)).fetchone() == (42,)

try:
    psycopg.connect(sslmode="require", sslnegotiation="direct", password="wrong")
    raise SystemExit("a wrong password went well")
except psycopg.OperationalError as error:
    assert "password authentication failed" in str(error), error

print("ok")
