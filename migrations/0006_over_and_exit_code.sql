-- When a session was over for those in it, and how its command ended.

-- The recording is finished, and the session done, some time after over_at: what is counted
-- as open is counted until here. The exit code is the command's, of sessions that ran one.
ALTER TABLE sessions
  ADD COLUMN over_at    timestamptz,
  ADD COLUMN exit_code  integer;

-- Credentials are listed, the newest first.
CREATE INDEX ON credentials (org_id, id DESC);
