"""Pipelines: very many statements under way at once, and an error in the middle."""

import psycopg

with psycopg.connect(autocommit=True) as connection:
    connection.execute("create temp table notes (id int primary key)")

    # Nothing is waited for in between.
    with connection.pipeline():
        answers = [connection.execute("select %s::int * 2", (i,)) for i in range(5000)]
        assert [answer.fetchone() for answer in answers] == [(i * 2,) for i in range(5000)]

    # What stands between an error and the next sync is skipped, what comes after is not.
    # All of it is sent before anything is read.
    raw = connection.pgconn
    raw.enter_pipeline_mode()
    for step in ("1", "sync", "1/0", "2", "sync", "3", "sync"):
        if step == "sync":
            raw.pipeline_sync()
        else:
            raw.send_query_params(f"insert into notes values ({step})".encode(), None)
    seen = []
    while seen.count("PIPELINE_SYNC") < 3:
        result = raw.get_result()
        if result:
            seen.append(psycopg.pq.ExecStatus(result.status).name)
    raw.exit_pipeline_mode()
    done, failed, skipped, sync = "COMMAND_OK", "FATAL_ERROR", "PIPELINE_ABORTED", "PIPELINE_SYNC"
    assert seen == [done, sync, failed, skipped, sync, done, sync], seen
    assert connection.execute("select id from notes order by id").fetchall() == [(1,), (3,)]

    # An error that nobody fetches is told at the end of the pipeline, with its own code.
    try:
        with connection.pipeline():
            for _ in range(100):
                connection.execute("insert into notes values (3)")
        raise SystemExit("the same key went in twice")
    except psycopg.errors.UniqueViolation as error:
        assert error.sqlstate == "23505"
    assert connection.info.transaction_status == psycopg.pq.TransactionStatus.IDLE
    assert connection.execute("select 'still here'").fetchone() == ("still here",)

print("ok")
