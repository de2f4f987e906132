-- Identities of programs: service accounts and API keys.
--
-- Each is a user of another kind, whom nobody signs in as with a password: what decides about
-- a user, and what ends a user's sessions and credentials, is true of programs, too.

ALTER TABLE users
  ADD COLUMN kind text NOT NULL DEFAULT 'person'
    CHECK (kind IN ('person', 'service_account', 'api_key')),
  ADD CONSTRAINT users_programs_have_no_password
    CHECK (kind = 'person' OR password_hash IS NULL);

-- Who the identity provider says a program is.
CREATE TABLE service_accounts (
  user_id  uuid PRIMARY KEY,
  org_id   uuid NOT NULL,
  subject  text NOT NULL,
  CONSTRAINT service_accounts_subject_key UNIQUE (org_id, subject),
  FOREIGN KEY (org_id, user_id) REFERENCES users (org_id, id) ON DELETE CASCADE
);

-- The user is the key's own, or a service account's that it belongs to. Only the SHA-256 is
-- kept. A revoked key stays, because sessions and the audit log name it.
CREATE TABLE api_keys (
  id            uuid PRIMARY KEY,
  org_id        uuid NOT NULL,
  user_id       uuid NOT NULL,
  name          text NOT NULL,
  digest        bytea NOT NULL UNIQUE CHECK (length(digest) = 32),
  masked        text NOT NULL,
  created_by    text NOT NULL,
  created_at    timestamptz NOT NULL DEFAULT now(),
  expires_at    timestamptz,
  revoked_by    text,
  revoked_at    timestamptz,
  last_used_at  timestamptz,
  CHECK ((revoked_by IS NULL) = (revoked_at IS NULL)),
  FOREIGN KEY (org_id, user_id) REFERENCES users (org_id, id) ON DELETE CASCADE
);
CREATE UNIQUE INDEX api_keys_name_key ON api_keys (org_id, lower(name));
CREATE INDEX ON api_keys (org_id, user_id);
