-- Failed logins make the next one wait, longer each time. Both are microseconds since the epoch:
-- when nothing of a slot's mistakes is remembered, and until when nobody may try. The column
-- whole_at is for processes of the version before.
ALTER TABLE login_slots
  ALTER COLUMN whole_at SET DEFAULT 0,
  ADD COLUMN forgotten_at bigint NOT NULL DEFAULT 0,
  ADD COLUMN wait_until bigint NOT NULL DEFAULT 0;

-- A vote is one person's, for one of the reviewing groups that they are in: those are kept, so
-- that the person can speak for another one when somebody comes who is in this one only.
ALTER TABLE review_votes ADD COLUMN user_groups text[] NOT NULL DEFAULT '{}';
