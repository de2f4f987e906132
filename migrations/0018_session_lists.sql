-- Lists of sessions go by time, whatever they are filtered by: each filter that leaves out most
-- sessions has an index of its own with the time behind it, so that a page reads about as many
-- rows as it shows, of a million too.
CREATE INDEX sessions_by_time ON sessions (org_id, authorized_at DESC, id DESC);
CREATE INDEX sessions_by_user ON sessions (org_id, user_id, authorized_at DESC, id DESC);
CREATE INDEX sessions_by_email ON sessions (org_id, user_email, authorized_at DESC, id DESC);
CREATE INDEX sessions_by_connection
  ON sessions (org_id, connection_name, authorized_at DESC, id DESC);
CREATE INDEX sessions_by_type ON sessions (org_id, connection_type, authorized_at DESC, id DESC);
CREATE INDEX sessions_by_agent ON sessions (org_id, agent_name, authorized_at DESC, id DESC);
CREATE INDEX sessions_by_agent_id ON sessions (org_id, agent_id, authorized_at DESC, id DESC);
CREATE INDEX sessions_by_verb ON sessions (org_id, verb, authorized_at DESC, id DESC);
-- Nearly all are done, so those that are not are found by this, and those that are by time.
CREATE INDEX sessions_not_done ON sessions (org_id, state, authorized_at DESC, id DESC)
  WHERE state <> 'done';
-- Last, because this alone keeps readers out.
DROP INDEX sessions_org_id_id_idx;
DROP INDEX sessions_org_id_user_id_id_idx;
DROP INDEX sessions_org_id_connection_name_id_idx;
