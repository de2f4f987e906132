-- Organisations, people, agents, connections, credentials, sessions, and what is to be told.
--
-- Every table but orgs carries org_id, and references within an organisation carry it
-- too, so that a row can't point into another organisation.

CREATE TABLE orgs (
  id          uuid PRIMARY KEY,
  name        text NOT NULL UNIQUE,
  created_at  timestamptz NOT NULL DEFAULT now()
);

CREATE TABLE users (
  id             uuid PRIMARY KEY,
  org_id         uuid NOT NULL REFERENCES orgs (id),
  email          text NOT NULL CHECK (email = lower(email)),
  name           text NOT NULL,
  active         boolean NOT NULL DEFAULT true,
  password_hash  text,
  created_at     timestamptz NOT NULL DEFAULT now(),
  updated_at     timestamptz NOT NULL DEFAULT now(),
  CONSTRAINT users_email_key UNIQUE (org_id, email),
  UNIQUE (org_id, id)
);

CREATE TABLE groups (
  id          uuid PRIMARY KEY,
  org_id      uuid NOT NULL REFERENCES orgs (id),
  name        text NOT NULL,
  created_at  timestamptz NOT NULL DEFAULT now(),
  CONSTRAINT groups_name_key UNIQUE (org_id, name),
  UNIQUE (org_id, id)
);

CREATE TABLE user_groups (
  org_id    uuid NOT NULL,
  user_id   uuid NOT NULL,
  group_id  uuid NOT NULL,
  PRIMARY KEY (user_id, group_id),
  FOREIGN KEY (org_id, user_id) REFERENCES users (org_id, id) ON DELETE CASCADE,
  FOREIGN KEY (org_id, group_id) REFERENCES groups (org_id, id) ON DELETE CASCADE
);
CREATE INDEX ON user_groups (org_id, group_id);

-- Bearer tokens of people who logged in and of programs. Only the SHA-256 is kept.
CREATE TABLE api_tokens (
  id            uuid PRIMARY KEY,
  org_id        uuid NOT NULL,
  user_id       uuid NOT NULL,
  name          text NOT NULL,
  digest        bytea NOT NULL UNIQUE CHECK (length(digest) = 32),
  created_at    timestamptz NOT NULL DEFAULT now(),
  expires_at    timestamptz,
  FOREIGN KEY (org_id, user_id) REFERENCES users (org_id, id) ON DELETE CASCADE
);
CREATE INDEX ON api_tokens (org_id, user_id);

-- A revoked agent stays, because sessions name it; its name may be given again.
CREATE TABLE agents (
  id               uuid PRIMARY KEY,
  org_id           uuid NOT NULL REFERENCES orgs (id),
  name             text NOT NULL,
  mode             text NOT NULL CHECK (mode IN ('standard', 'embedded')),
  token_digest     bytea NOT NULL UNIQUE CHECK (length(token_digest) = 32),
  seal_public_key  bytea NOT NULL CHECK (length(seal_public_key) = 32),
  created_at       timestamptz NOT NULL DEFAULT now(),
  last_seen_at     timestamptz,
  version          text NOT NULL DEFAULT '',
  hostname         text NOT NULL DEFAULT '',
  platform         text NOT NULL DEFAULT '',
  revoked_at       timestamptz,
  UNIQUE (org_id, id)
);
CREATE UNIQUE INDEX agents_name_key ON agents (org_id, name) WHERE revoked_at IS NULL;

-- Which edge last said that it holds an agent of this key.
CREATE TABLE agent_presence (
  agent_id  uuid NOT NULL REFERENCES agents (id) ON DELETE CASCADE,
  edge      text NOT NULL,
  seen_at   timestamptz NOT NULL,
  PRIMARY KEY (agent_id, edge)
);

CREATE TABLE connections (
  id                  uuid PRIMARY KEY,
  org_id              uuid NOT NULL REFERENCES orgs (id),
  name                text NOT NULL,
  type                text NOT NULL,
  agent_id            uuid NOT NULL,
  -- Encrypted with SECRETS_KEY, bound to this row's id. The names are no secret.
  secret              bytea NOT NULL,
  secret_names        text[] NOT NULL,
  secret_updated_at   timestamptz NOT NULL DEFAULT now(),
  mode_connect        boolean NOT NULL DEFAULT true,
  mode_exec           boolean NOT NULL DEFAULT true,
  version             integer NOT NULL DEFAULT 1,
  created_at          timestamptz NOT NULL DEFAULT now(),
  updated_at          timestamptz NOT NULL DEFAULT now(),
  CONSTRAINT connections_name_key UNIQUE (org_id, name),
  UNIQUE (org_id, id),
  FOREIGN KEY (org_id, agent_id) REFERENCES agents (org_id, id)
);

-- Whom a connection is open to. No row: nobody but administrators.
CREATE TABLE connection_groups (
  org_id         uuid NOT NULL,
  connection_id  uuid NOT NULL,
  group_id       uuid NOT NULL,
  PRIMARY KEY (connection_id, group_id),
  FOREIGN KEY (org_id, connection_id) REFERENCES connections (org_id, id) ON DELETE CASCADE,
  FOREIGN KEY (org_id, group_id) REFERENCES groups (org_id, id) ON DELETE CASCADE
);
CREATE INDEX ON connection_groups (org_id, group_id);

-- User names and SCRAM verifiers for native ports. The password can't be had from them.
CREATE TABLE credentials (
  id                uuid PRIMARY KEY,
  org_id            uuid NOT NULL,
  user_id           uuid NOT NULL,
  connection_id     uuid NOT NULL,
  username          text NOT NULL UNIQUE,
  scram_salt        bytea NOT NULL,
  scram_iterations  integer NOT NULL CHECK (scram_iterations > 0),
  scram_stored_key  bytea NOT NULL,
  scram_server_key  bytea NOT NULL,
  created_at        timestamptz NOT NULL DEFAULT now(),
  expires_at        timestamptz NOT NULL,
  revoked_at        timestamptz,
  FOREIGN KEY (org_id, user_id) REFERENCES users (org_id, id) ON DELETE CASCADE,
  FOREIGN KEY (org_id, connection_id) REFERENCES connections (org_id, id) ON DELETE CASCADE
);
CREATE INDEX ON credentials (org_id, user_id);
CREATE INDEX ON credentials (org_id, connection_id);

-- Names are kept as they were: a session outlives its user, connection and agent.
CREATE TABLE sessions (
  id                  uuid PRIMARY KEY,
  org_id              uuid NOT NULL REFERENCES orgs (id),
  user_id             uuid NOT NULL,
  user_email          text NOT NULL,
  user_name           text NOT NULL,
  connection_id       uuid NOT NULL,
  connection_name     text NOT NULL,
  connection_type     text NOT NULL,
  agent_id            uuid NOT NULL,
  agent_name          text NOT NULL,
  credential_id       uuid,
  client_address      text NOT NULL,
  client_application  text NOT NULL,
  state               text NOT NULL CHECK (state IN ('opening', 'open', 'done')),
  authorized_at       timestamptz NOT NULL,
  opened_at           timestamptz,
  closed_at           timestamptz,
  end_reason          text,
  end_message         text,
  not_after           timestamptz,
  -- The edge that holds the client's end, and when it last said so.
  edge                text,
  seen_at             timestamptz NOT NULL,
  -- Set when the session has to end; the edge that holds it is told until it has.
  kill_reason         text,
  kill_message        text,
  CHECK ((state = 'done') = (closed_at IS NOT NULL AND end_reason IS NOT NULL)),
  CHECK (state <> 'open' OR opened_at IS NOT NULL)
);
CREATE INDEX ON sessions (org_id, id DESC);
CREATE INDEX ON sessions (org_id, user_id, id DESC);
CREATE INDEX ON sessions (org_id, connection_name, id DESC);
CREATE INDEX sessions_live ON sessions (seen_at) WHERE state <> 'done';

-- What happened, until it is published. Written in the transaction that made it true.
CREATE TABLE outbox (
  id      uuid PRIMARY KEY,
  org_id  uuid NOT NULL REFERENCES orgs (id),
  at      timestamptz NOT NULL,
  kind    text NOT NULL,
  body    jsonb NOT NULL
);

-- Who changed what through the REST API: a line before, completed after.
CREATE TABLE audit_log (
  id            uuid PRIMARY KEY,
  org_id        uuid NOT NULL REFERENCES orgs (id),
  actor_id      uuid NOT NULL,
  actor_email   text NOT NULL,
  method        text NOT NULL,
  path          text NOT NULL,
  client        text NOT NULL,
  begun_at      timestamptz NOT NULL DEFAULT now(),
  completed_at  timestamptz,
  status        smallint
);
CREATE INDEX ON audit_log (org_id, id DESC);
