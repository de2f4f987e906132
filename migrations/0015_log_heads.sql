-- What is signed of each organisation's audit log: its end, now and then.
CREATE TABLE audit_head_signatures (
  org_id     uuid NOT NULL REFERENCES orgs (id),
  position   bigint NOT NULL CHECK (0 < position),
  encoded    text NOT NULL,
  signature  bytea NOT NULL,
  key_id     bytea NOT NULL REFERENCES manifest_keys (id),
  signed_at  timestamptz NOT NULL DEFAULT now(),
  PRIMARY KEY (org_id, position)
);
