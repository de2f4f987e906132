-- From where each account has logged in, the latest few of each: who has many addresses pushes out
-- their own and nobody else's. The place is a keyed hash of the address. It takes the place of
-- login_friends, which is for processes of the version before; what that knows is of no account, so
-- everybody is known again when they sign in next.
CREATE TABLE login_places (
  org_id   uuid NOT NULL,
  user_id  uuid NOT NULL,
  place    bytea NOT NULL CHECK (length(place) = 16),
  used_at  timestamptz NOT NULL,
  PRIMARY KEY (user_id, place),
  FOREIGN KEY (org_id, user_id) REFERENCES users (org_id, id) ON DELETE CASCADE
);
