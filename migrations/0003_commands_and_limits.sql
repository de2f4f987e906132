-- What a connection runs and how much of it may be used at once; what a session was opened
-- for and with.

-- Empty: the type's own command, where it has one. NULL: no limit.
ALTER TABLE connections
  ADD COLUMN command                text[] NOT NULL DEFAULT '{}',
  ADD COLUMN max_session_seconds    integer CHECK (0 < max_session_seconds),
  ADD COLUMN idle_timeout_seconds   integer CHECK (0 < idle_timeout_seconds),
  ADD COLUMN max_sessions_per_user  integer CHECK (0 < max_sessions_per_user),
  ADD COLUMN max_sessions           integer CHECK (0 < max_sessions);

-- The command is the connection's at that time. The token is the one that opened it, if
-- one did; no foreign key, because the session outlives it.
ALTER TABLE sessions
  ADD COLUMN verb      text NOT NULL DEFAULT 'connect' CHECK (verb IN ('connect', 'exec')),
  ADD COLUMN command   text[] NOT NULL DEFAULT '{}',
  ADD COLUMN token_id  uuid;

-- Live sessions are counted each time one is opened on a connection with a limit.
CREATE INDEX sessions_live_of_connection ON sessions (connection_id, user_id)
  WHERE state <> 'done';
