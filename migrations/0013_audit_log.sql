-- The audit log of the REST API says what was done to what, and how it ended; its completed
-- lines are a chain.

-- Nobody is known of a sign-in before it succeeds, and of who was refused without a token.
-- The payload is JSON as text, because the digest is made of its bytes.
ALTER TABLE audit_log
  ALTER COLUMN actor_id DROP NOT NULL,
  ADD COLUMN actor_subject  text NOT NULL DEFAULT '',
  ADD COLUMN actor_name     text NOT NULL DEFAULT '',
  ADD COLUMN resource       text NOT NULL DEFAULT '',
  ADD COLUMN action         text NOT NULL DEFAULT '',
  ADD COLUMN payload        text,
  ADD COLUMN error_message  text NOT NULL DEFAULT '',
  ADD COLUMN position       bigint CHECK (0 < position),
  ADD COLUMN digest         bytea CHECK (length(digest) = 32),
  ADD CONSTRAINT audit_log_chained CHECK ((position IS NULL) = (digest IS NULL)),
  ADD CONSTRAINT audit_log_position_key UNIQUE (org_id, position);
CREATE INDEX audit_log_unchained ON audit_log (begun_at) WHERE position IS NULL;

-- The end of each organisation's chain. Who adds to it holds this row.
CREATE TABLE audit_heads (
  org_id    uuid PRIMARY KEY REFERENCES orgs (id),
  position  bigint NOT NULL,
  digest    bytea NOT NULL CHECK (length(digest) = 32)
);
