-- Signing in at an identity provider that speaks SAML 2.0.

-- People who are at the identity provider at the moment, or whose answer has come and who have
-- not taken it. A row takes one answer, and is taken once.
CREATE TABLE saml_sign_ins (
  -- SHA-256 of the RelayState.
  relay_digest    bytea PRIMARY KEY CHECK (length(relay_digest) = 32),
  org_id          uuid NOT NULL REFERENCES orgs (id),
  -- SHA-256 of the cookie of the browser that was sent.
  browser_digest  bytea NOT NULL CHECK (length(browser_digest) = 32),
  -- What the answer has to be in response to.
  request_id      text NOT NULL,
  destination     text NOT NULL,
  expires_at      timestamptz NOT NULL,
  -- SHA-256 of the cookie of the browser that brought the answer, and what the answer says.
  bearer_digest   bytea UNIQUE CHECK (length(bearer_digest) = 32),
  subject         text,
  email           text,
  name            text,
  -- NULL when the provider says nothing of groups.
  groups          text[],
  -- When the provider wants the session to end, if it says so.
  ends_at         timestamptz,
  CHECK (num_nulls(bearer_digest, subject, email, name) IN (0, 4))
);
CREATE INDEX ON saml_sign_ins (expires_at);
