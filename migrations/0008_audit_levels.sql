-- What has to be true of a packet before it is passed on, by connection.
ALTER TABLE connections
  ADD COLUMN audit_level text NOT NULL DEFAULT 'strict'
    CHECK (audit_level IN ('strict', 'synced', 'windowed'));
