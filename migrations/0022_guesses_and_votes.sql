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

-- Until now a person spoke for all of their groups at once: those are the ones that are known.
UPDATE review_votes v SET user_groups = ARRAY(
    SELECT o.group_name FROM review_votes o
    WHERE o.review_id = v.review_id AND o.user_id = v.user_id AND NOT o.forced
    ORDER BY o.group_name)
  WHERE v.user_id IS NOT NULL AND NOT v.forced;
