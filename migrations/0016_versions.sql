-- Users count their changes, as connections do, so that nobody overwrites what they have not
-- seen.
ALTER TABLE users ADD COLUMN version integer NOT NULL DEFAULT 0;
