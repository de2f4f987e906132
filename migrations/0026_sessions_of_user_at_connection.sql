-- Somebody who has very many sessions and none of a connection that is used a lot: to find that,
-- one of the two sets was read to its end. These two find it at once, for a user by their id,
-- which is how people see their own, and by their address, which is how others look for them.
-- They are narrow: what other filters leave out of so few is read in the table.
--
-- An operator with very many sessions makes them beforehand (see docs/guide/upgrades.md).
CREATE INDEX IF NOT EXISTS sessions_of_user_at_connection
  ON sessions (org_id, user_id, connection_name, connection_type, verb, authorized_at DESC, id DESC);
CREATE INDEX IF NOT EXISTS sessions_of_email_at_connection
  ON sessions (org_id, user_email, connection_name, connection_type, verb, authorized_at DESC, id DESC);

DO $$
BEGIN
  IF EXISTS (SELECT FROM pg_index WHERE indrelid = 'sessions'::regclass AND NOT indisvalid) THEN
    RAISE EXCEPTION 'an index of sessions is not valid, since making it broke off; drop it first';
  END IF;
END $$;

-- All lists go by type and verb first, so nothing looks here.
DROP INDEX sessions_by_time;
