-- Local users: second factors, and mistakes at the door that all api processes count together.

-- The secret is encrypted with SECRETS_KEY, bound to the user's id. Without confirmed_at it is
-- not asked for yet. A code counts once: last_step is the time step of the last one.
CREATE TABLE user_totp (
  user_id       uuid PRIMARY KEY,
  org_id        uuid NOT NULL,
  secret        bytea NOT NULL,
  created_at    timestamptz NOT NULL DEFAULT now(),
  confirmed_at  timestamptz,
  last_step     bigint NOT NULL DEFAULT 0,
  FOREIGN KEY (org_id, user_id) REFERENCES users (org_id, id) ON DELETE CASCADE
);

-- For who has lost the device. Only the SHA-256 is kept, and only until it is used.
CREATE TABLE user_recovery_codes (
  user_id  uuid NOT NULL REFERENCES user_totp (user_id) ON DELETE CASCADE,
  digest   bytea NOT NULL CHECK (length(digest) = 32),
  PRIMARY KEY (user_id, digest)
);

-- How much of an allowance of failed logins is used up, as the time when it is whole again, in
-- microseconds since the epoch. A slot stands for everything that a keyed hash puts there, so
-- the number of rows is bounded, whoever tries whatever.
CREATE TABLE login_slots (
  slot      integer PRIMARY KEY CHECK (slot BETWEEN 0 AND 262143),
  whole_at  bigint NOT NULL
) WITH (fillfactor = 70);

-- From where somebody has logged in before; the tag says whose slot it is.
CREATE TABLE login_friends (
  slot  integer PRIMARY KEY CHECK (slot BETWEEN 0 AND 65535),
  tag   bytea NOT NULL CHECK (length(tag) = 16)
) WITH (fillfactor = 70);
