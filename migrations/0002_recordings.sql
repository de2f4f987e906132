-- Recordings: who writes which partition, and what was recorded.
--
-- Nothing here refers to sessions or orgs by foreign key: a recording outlives whatever
-- it is about, and the writer must be able to store what it was given.

-- Processes that could hold partitions, so that each knows its fair share.
CREATE TABLE audit_writers (
  id       uuid PRIMARY KEY,
  seen_at  timestamptz NOT NULL
);

-- One row per partition. Every change of owner raises the epoch, and every commit checks
-- it, so a writer that was thought dead can't add to a recording that another continues.
CREATE TABLE partition_leases (
  partition   smallint PRIMARY KEY,
  owner       uuid,
  epoch       bigint NOT NULL DEFAULT 0,
  expires_at  timestamptz NOT NULL DEFAULT '-infinity'
);
INSERT INTO partition_leases (partition) SELECT generate_series(0, 7);

-- How far each recording has come: the packets up to in_seq and out_seq are stored.
CREATE TABLE recordings (
  session          uuid PRIMARY KEY,
  org              uuid NOT NULL,
  begun_at         timestamptz NOT NULL,
  ended_at         timestamptz NOT NULL,
  segments         integer NOT NULL,
  in_packets       bigint NOT NULL,
  in_seq           bigint NOT NULL,
  in_chain         bytea NOT NULL CHECK (length(in_chain) = 32),
  in_end           text,
  in_end_message   text,
  out_packets      bigint NOT NULL,
  out_seq          bigint NOT NULL,
  out_chain        bytea NOT NULL CHECK (length(out_chain) = 32),
  out_end          text,
  out_end_message  text,
  finished_at      timestamptz
) WITH (fillfactor = 70);
CREATE INDEX recordings_unfinished ON recordings (begun_at) WHERE finished_at IS NULL;

-- Records (u32 length, then the packet as it was published) in stream order, zstd. The
-- first and last number per direction are NULL when the segment has none of it.
CREATE TABLE recording_segments (
  session    uuid NOT NULL,
  number     integer NOT NULL,
  in_first   bigint,
  in_last    bigint,
  out_first  bigint,
  out_last   bigint,
  packets    bigint NOT NULL,
  raw_bytes  bigint NOT NULL,
  begun_at   timestamptz NOT NULL,
  ended_at   timestamptz NOT NULL,
  stored     bytea NOT NULL,
  -- blake3 of what is stored
  digest     bytea NOT NULL CHECK (length(digest) = 32),
  PRIMARY KEY (session, number)
);
-- It is compressed already; PostgreSQL would only try again.
ALTER TABLE recording_segments ALTER COLUMN stored SET STORAGE EXTERNAL;

CREATE TABLE recording_flaws (
  session    uuid NOT NULL,
  direction  text NOT NULL CHECK (direction IN ('in', 'out')),
  seq        bigint NOT NULL,
  kind       text NOT NULL,
  found_at   timestamptz NOT NULL DEFAULT now(),
  PRIMARY KEY (session, direction, seq, kind)
);

-- Public halves of the keys that manifests were signed with. Whoever verifies compares
-- them with what the operator published.
CREATE TABLE manifest_keys (
  id          bytea PRIMARY KEY CHECK (length(id) = 8),
  public_key  bytea NOT NULL CHECK (length(public_key) = 32),
  added_at    timestamptz NOT NULL DEFAULT now()
);

-- The end of each organisation's chain of manifests.
CREATE TABLE manifest_heads (
  org       uuid PRIMARY KEY,
  position  bigint NOT NULL,
  digest    bytea NOT NULL CHECK (length(digest) = 32)
);

CREATE TABLE manifests (
  session    uuid PRIMARY KEY,
  org        uuid NOT NULL,
  position   bigint NOT NULL,
  encoded    text NOT NULL,
  signature  bytea NOT NULL,
  key_id     bytea NOT NULL REFERENCES manifest_keys (id),
  added_at   timestamptz NOT NULL DEFAULT now(),
  UNIQUE (org, position)
);
