"""Protocol 3.2 or nothing (libpq 18 and later): a login, and a cancel request with its long key."""

import threading

import psycopg

assert psycopg.pq.version() >= 180000, psycopg.pq.version()
NEWEST = {"min_protocol_version": "3.2", "max_protocol_version": "3.2", "autocommit": True}
RUNNING = "select count(*) from pg_stat_activity where state = 'active' and query like 'select pg_sleep(3600)%'"

outcome = []


def sleep(connection):
    try:
        connection.execute("select pg_sleep(3600)")
        outcome.append("it slept")
    except psycopg.errors.QueryCanceled:
        outcome.append("cancelled")


with psycopg.connect(**NEWEST) as connection, psycopg.connect(**NEWEST) as other:
    assert connection.execute("select %s::int + 1", (41,)).fetchone() == (42,)
    sleeper = threading.Thread(target=sleep, args=(connection,))
    sleeper.start()
    while other.execute(RUNNING).fetchone() == (0,):
        pass
    connection.cancel_safe(timeout=30)
    sleeper.join(timeout=30)
    assert outcome == ["cancelled"], outcome
    assert connection.execute("select 'still here'").fetchone() == ("still here",)

print("ok")
