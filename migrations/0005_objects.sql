-- Segments in an object store. The row stays: it has the place, the size and the digest.

ALTER TABLE recording_segments
  ALTER COLUMN stored DROP NOT NULL,
  -- The object's whole key; the bucket is the operator's setting, and may move.
  ADD COLUMN object text,
  ADD COLUMN object_bytes bigint,
  ADD CONSTRAINT recording_segments_place
    CHECK ((stored IS NULL) = (object IS NOT NULL) AND (object IS NULL) = (object_bytes IS NULL));

-- Manifests whose segments are objects are copied there, too. Their place in the chain is
-- known when they are committed, so the copy is made after that, by whoever sees this.
ALTER TABLE manifests ADD COLUMN copy_due boolean NOT NULL DEFAULT false;
CREATE INDEX manifests_copy_due ON manifests (added_at) WHERE copy_due;
