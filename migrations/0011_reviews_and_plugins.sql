-- Who has to approve what, what became of it, and what is switched on for connections.

-- Groups are kept by name: a group that is deleted has no members, so that nobody can say
-- yes; with a reference the connection would need nobody's any more.
ALTER TABLE connections
  ADD COLUMN mode_runbooks         boolean NOT NULL DEFAULT true,
  ADD COLUMN reviewers             text[]  NOT NULL DEFAULT '{}',
  ADD COLUMN min_review_approvals  integer CHECK (0 < min_review_approvals),
  ADD COLUMN force_approve_groups  text[]  NOT NULL DEFAULT '{}',
  ADD COLUMN access_max_seconds    integer CHECK (0 < access_max_seconds),
  ADD COLUMN jit_access_seconds    integer CHECK (0 < jit_access_seconds);

-- A request for access. Names are kept as they were: it outlives its user and connection.
CREATE TABLE reviews (
  id                uuid PRIMARY KEY,
  org_id            uuid NOT NULL REFERENCES orgs (id),
  kind              text NOT NULL CHECK (kind IN ('onetime', 'jit')),
  status            text NOT NULL CHECK (status IN
                      ('PENDING', 'APPROVED', 'REJECTED', 'REVOKED', 'PROCESSING', 'EXECUTED')),
  user_id           uuid NOT NULL,
  user_email        text NOT NULL,
  user_name         text NOT NULL,
  connection_id     uuid NOT NULL,
  connection_name   text NOT NULL,
  -- What would be run: the connection's command, arguments, input, and the digest of all three.
  command           text[] NOT NULL DEFAULT '{}',
  arguments         text[] NOT NULL DEFAULT '{}',
  input             bytea,
  input_hash        bytea CHECK (length(input_hash) = 32),
  needed            integer NOT NULL CHECK (0 < needed),
  force_groups      text[] NOT NULL,
  -- How long an approval holds, from the moment it is given.
  seconds           integer NOT NULL CHECK (0 < seconds),
  window_start      text,
  window_end        text,
  decided_by        uuid,
  decided_by_email  text,
  decided_at        timestamptz,
  rejection_reason  text NOT NULL DEFAULT '',
  ends_at           timestamptz,
  -- The one session that a one-time approval was used for.
  session_id        uuid,
  created_at        timestamptz NOT NULL,
  UNIQUE (org_id, id),
  CHECK ((kind = 'onetime') = (input_hash IS NOT NULL AND input IS NOT NULL)),
  CHECK (status <> 'APPROVED' OR ends_at IS NOT NULL),
  CHECK (status NOT IN ('PROCESSING', 'EXECUTED') OR session_id IS NOT NULL),
  CHECK ((window_start IS NULL) = (window_end IS NULL))
);
-- Who asks again for the same has asked once.
CREATE UNIQUE INDEX reviews_pending ON reviews
  (org_id, user_id, connection_id, kind, coalesce(input_hash, '')) WHERE status = 'PENDING';
CREATE INDEX reviews_approved ON reviews (org_id, user_id, connection_id) WHERE status = 'APPROVED';
CREATE INDEX reviews_in_use ON reviews (session_id) WHERE status = 'PROCESSING';
CREATE INDEX ON reviews (org_id, id DESC);
CREATE INDEX ON reviews (org_id, user_id, id DESC);

-- The groups that are asked, and what a member of each has said.
CREATE TABLE review_votes (
  org_id      uuid NOT NULL,
  review_id   uuid NOT NULL,
  group_name  text NOT NULL,
  verdict     text CHECK (verdict IN ('APPROVED', 'REJECTED')),
  user_id     uuid,
  user_email  text,
  user_name   text,
  at          timestamptz,
  forced      boolean NOT NULL DEFAULT false,
  PRIMARY KEY (review_id, group_name),
  FOREIGN KEY (org_id, review_id) REFERENCES reviews (org_id, id) ON DELETE CASCADE,
  CHECK ((verdict IS NULL) = (user_id IS NULL))
);
CREATE INDEX ON review_votes (org_id, group_name, review_id DESC);

-- The approval that a session stands on.
ALTER TABLE sessions ADD COLUMN review_id uuid;
CREATE INDEX sessions_live_of_review ON sessions (review_id)
  WHERE review_id IS NOT NULL AND state <> 'done';

-- What is switched on. The values of its settings are encrypted, bound to this row's id.
CREATE TABLE plugins (
  id            uuid PRIMARY KEY,
  org_id        uuid NOT NULL REFERENCES orgs (id),
  name          text NOT NULL,
  priority      integer NOT NULL DEFAULT 0,
  config        bytea,
  config_names  text[] NOT NULL DEFAULT '{}',
  created_at    timestamptz NOT NULL DEFAULT now(),
  updated_at    timestamptz NOT NULL DEFAULT now(),
  UNIQUE (org_id, id),
  CONSTRAINT plugins_name_key UNIQUE (org_id, name)
);
-- For which connections, and how; for review and access_control the names of groups.
CREATE TABLE plugin_connections (
  org_id         uuid NOT NULL,
  plugin_id      uuid NOT NULL,
  connection_id  uuid NOT NULL,
  config         text[] NOT NULL,
  PRIMARY KEY (plugin_id, connection_id),
  FOREIGN KEY (org_id, plugin_id) REFERENCES plugins (org_id, id) ON DELETE CASCADE,
  FOREIGN KEY (org_id, connection_id) REFERENCES connections (org_id, id) ON DELETE CASCADE
);
CREATE INDEX ON plugin_connections (connection_id);
