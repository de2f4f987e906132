-- What who runs something over REST says of it for themselves: an object. Nothing is decided by
-- it. NOT VALID: there is nothing to look through in the sessions that are there.
ALTER TABLE sessions
  ADD COLUMN annotations jsonb,
  ADD CONSTRAINT sessions_annotations_object
    CHECK (jsonb_typeof(annotations) = 'object') NOT VALID;
