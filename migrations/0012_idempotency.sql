-- Answers to requests with an Idempotency-Key, so that what is asked for twice is done once.

-- Without a status the request is under way, or nobody knows how it ended. The answer is
-- encrypted with SECRETS_KEY, bound to this row: it may hold a key that is shown once. It is
-- null when it was too long to be kept.
CREATE TABLE idempotency_keys (
  org_id          uuid NOT NULL,
  user_id         uuid NOT NULL,
  -- SHA-256 of the route and the key.
  key_digest      bytea NOT NULL CHECK (length(key_digest) = 32),
  -- SHA-256 of the path and the body.
  request_digest  bytea NOT NULL CHECK (length(request_digest) = 32),
  begun_at        timestamptz NOT NULL,
  status          integer,
  answer          bytea,
  PRIMARY KEY (org_id, user_id, key_digest),
  CHECK (status IS NOT NULL OR answer IS NULL),
  FOREIGN KEY (org_id, user_id) REFERENCES users (org_id, id) ON DELETE CASCADE
);
CREATE INDEX ON idempotency_keys (begun_at);
