-- Signing in at an identity provider, in a browser, and on behalf of a program.

-- Who the person is at the identity provider.
ALTER TABLE users ADD COLUMN subject text;
CREATE UNIQUE INDEX users_subject_key ON users (org_id, subject);

-- Whether the identity provider said so. What an administrator said stays.
ALTER TABLE user_groups ADD COLUMN from_provider boolean NOT NULL DEFAULT false;

-- What a token is: of a login with the command line, of a browser, or of a program. What was
-- had through a browser's session ends with it.
ALTER TABLE api_tokens ADD COLUMN kind text NOT NULL DEFAULT 'program'
  CHECK (kind IN ('login', 'browser', 'program'));
UPDATE api_tokens SET kind = 'login' WHERE name = 'login';
ALTER TABLE api_tokens ADD COLUMN parent_id uuid REFERENCES api_tokens (id) ON DELETE CASCADE;
CREATE INDEX ON api_tokens (parent_id);

-- People who are at the identity provider at the moment. Each row is used once.
CREATE TABLE sign_ins (
  state_digest    bytea PRIMARY KEY CHECK (length(state_digest) = 32),
  org_id          uuid NOT NULL REFERENCES orgs (id),
  browser_digest  bytea NOT NULL CHECK (length(browser_digest) = 32),
  nonce           text NOT NULL,
  pkce_verifier   text NOT NULL,
  destination     text NOT NULL,
  expires_at      timestamptz NOT NULL
);
CREATE INDEX ON sign_ins (expires_at);

-- Programs that wait until a person signs in for them.
CREATE TABLE handovers (
  id          uuid PRIMARY KEY,
  org_id      uuid NOT NULL REFERENCES orgs (id),
  user_code   text NOT NULL UNIQUE,
  -- SHA-256 of what only the program knows.
  challenge   bytea NOT NULL CHECK (length(challenge) = 32),
  -- Where the program listens for the browser, on the person's machine.
  port        integer CHECK (port BETWEEN 1 AND 65535),
  client      text NOT NULL,
  expires_at  timestamptz NOT NULL,
  -- The browser's session in which somebody agreed; with that, it all ends.
  token_id    uuid REFERENCES api_tokens (id) ON DELETE CASCADE,
  denied      boolean NOT NULL DEFAULT false
);
CREATE INDEX ON handovers (expires_at);

-- What the identity provider is asked again and again: is this person still one of yours?
CREATE TABLE provider_sessions (
  token_id       uuid PRIMARY KEY REFERENCES api_tokens (id) ON DELETE CASCADE,
  org_id         uuid NOT NULL REFERENCES orgs (id),
  -- Encrypted, bound to the token's id.
  refresh_token  bytea NOT NULL,
  due_at         timestamptz NOT NULL
);
CREATE INDEX ON provider_sessions (due_at);
