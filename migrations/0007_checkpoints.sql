-- Open sessions are signed, too, and writers say when there is no room for more.

-- The last signed statement of what a recording consists of while its session is open. It
-- is written with each segment, in its transaction, and stays when the session is over: the
-- manifest must continue it. The last four columns are what the next one goes on from.
CREATE TABLE checkpoints (
  session          uuid PRIMARY KEY,
  org              uuid NOT NULL,
  encoded          text NOT NULL,
  signature        bytea NOT NULL,
  key_id           bytea NOT NULL REFERENCES manifest_keys (id),
  signed_at        timestamptz NOT NULL DEFAULT now(),
  segments         bigint NOT NULL,
  raw_bytes        bigint NOT NULL,
  stored_bytes     bigint NOT NULL,
  segments_digest  bytea NOT NULL CHECK (length(segments_digest) = 32)
) WITH (fillfactor = 70);

-- Why no new sessions should be opened, as this writer sees it; NULL when all is well.
ALTER TABLE audit_writers ADD COLUMN trouble text;

-- When a writer last held the partition. Sessions are not opened in one that nobody has held
-- for long; a new installation's writers have as long as that to come.
ALTER TABLE partition_leases ADD COLUMN seen_at timestamptz NOT NULL DEFAULT now();
