-- Any combination of filters finds its sessions in an index, and a session says which runbook it
-- ran.
--
-- A page is looked for in one index, by time, and what the other filters leave out is read past:
-- of 40,000 sessions of a connection none may be of the verb that is asked for. So each index goes
-- by type and verb, which have few values, before it goes by time, and a page is made of the
-- newest of each pair. To read past a row in the table costs a page of it, so each index has the
-- columns of all other filters in it, and ids are found without the table.
-- There is one index less than before; those that are left are about twice as large.
--
-- Making them keeps those out who write sessions. CONCURRENTLY would not, but can't be had here:
-- processes that wait for their turn to migrate hold a snapshot, for the end of which it would
-- wait, while they wait for it. An operator with very many sessions makes them beforehand (see
-- docs/guide/upgrades.md); then they are found here.
CREATE INDEX IF NOT EXISTS sessions_of_user
  ON sessions (org_id, user_id, connection_type, verb, authorized_at DESC, id DESC)
  INCLUDE (user_email, connection_name, agent_id, agent_name, state);
CREATE INDEX IF NOT EXISTS sessions_of_email
  ON sessions (org_id, user_email, connection_type, verb, authorized_at DESC, id DESC)
  INCLUDE (user_id, connection_name, agent_id, agent_name, state);
CREATE INDEX IF NOT EXISTS sessions_of_connection
  ON sessions (org_id, connection_name, connection_type, verb, authorized_at DESC, id DESC)
  INCLUDE (user_id, user_email, agent_id, agent_name, state);
CREATE INDEX IF NOT EXISTS sessions_of_agent
  ON sessions (org_id, agent_name, connection_type, verb, authorized_at DESC, id DESC)
  INCLUDE (user_id, user_email, connection_name, agent_id, state);
CREATE INDEX IF NOT EXISTS sessions_of_agent_id
  ON sessions (org_id, agent_id, connection_type, verb, authorized_at DESC, id DESC)
  INCLUDE (user_id, user_email, connection_name, agent_name, state);
CREATE INDEX IF NOT EXISTS sessions_of_type_and_verb
  ON sessions (org_id, connection_type, verb, authorized_at DESC, id DESC) INCLUDE (state);

DO $$
BEGIN
  IF EXISTS (SELECT FROM pg_index WHERE indrelid = 'sessions'::regclass AND NOT indisvalid) THEN
    RAISE EXCEPTION 'an index of sessions is not valid, since making it broke off; drop it first';
  END IF;
END $$;

-- Only what vacuum has seen is found without the table. By default it comes when a fifth of all
-- rows has changed, which of a million takes weeks.
ALTER TABLE sessions SET
  (autovacuum_vacuum_scale_factor = 0.02, autovacuum_vacuum_insert_scale_factor = 0.02);

-- The rest keeps readers out, for a moment.
DROP INDEX sessions_by_user, sessions_by_email, sessions_by_connection, sessions_by_agent,
  sessions_by_agent_id, sessions_by_type, sessions_by_verb;

-- The runbook that a session was opened for. That rows from before have none need not be checked.
ALTER TABLE sessions ADD COLUMN runbook text;
ALTER TABLE sessions ADD CONSTRAINT sessions_runbook_is_exec
  CHECK (runbook IS NULL OR verb = 'exec') NOT VALID;
