-- Who is told of what, through what, and what became of it.

-- A way to tell people. One that comes from the notifier's environment has neither settings
-- nor secret here: its row is there so that subscriptions can name it.
CREATE TABLE notification_channels (
  id            uuid PRIMARY KEY,
  org_id        uuid NOT NULL REFERENCES orgs (id),
  name          text NOT NULL,
  kind          text NOT NULL CHECK (kind IN ('smtp', 'slack', 'magicbell', 'webhook')),
  from_environment boolean NOT NULL DEFAULT false,
  settings      jsonb NOT NULL,
  -- Encrypted, bound to this row's id. The names are no secret.
  secret        bytea NOT NULL,
  secret_names  text[] NOT NULL,
  enabled       boolean NOT NULL DEFAULT true,
  -- The other side asked for a pause.
  paused_until  timestamptz,
  created_at    timestamptz NOT NULL,
  updated_at    timestamptz NOT NULL,
  UNIQUE (org_id, id),
  CONSTRAINT notification_channels_name_key UNIQUE (org_id, name)
);

CREATE TABLE notification_subscriptions (
  id          uuid PRIMARY KEY,
  org_id      uuid NOT NULL REFERENCES orgs (id),
  name        text NOT NULL,
  channel_id  uuid NOT NULL,
  -- Such as session.opened, session.* or *.
  events      text[] NOT NULL CHECK (cardinality(events) > 0),
  recipients  text[] NOT NULL,
  enabled     boolean NOT NULL DEFAULT true,
  created_at  timestamptz NOT NULL,
  updated_at  timestamptz NOT NULL,
  CONSTRAINT notification_subscriptions_name_key UNIQUE (org_id, name),
  FOREIGN KEY (org_id, channel_id) REFERENCES notification_channels (org_id, id)
);
CREATE INDEX ON notification_subscriptions (org_id, channel_id);

-- One event on its way to one recipient (or one batch of them), and afterwards the log of it.
-- It outlives its subscription and its channel.
CREATE TABLE notification_deliveries (
  id            uuid PRIMARY KEY,
  org_id        uuid NOT NULL REFERENCES orgs (id),
  event_id      uuid NOT NULL,
  event_at      timestamptz NOT NULL,
  kind          text NOT NULL,
  body          jsonb NOT NULL,
  channel_id    uuid NOT NULL,
  channel_name  text NOT NULL,
  -- Empty where the channel itself is the recipient; several with commas between them.
  recipient     text NOT NULL,
  state         text NOT NULL DEFAULT 'pending' CHECK (state IN ('pending', 'delivered', 'dead')),
  attempts      integer NOT NULL DEFAULT 0,
  next_at       timestamptz NOT NULL,
  -- Whoever sends it at the moment, and until when nobody else does.
  lease         uuid,
  leased_until  timestamptz,
  last_error    text NOT NULL DEFAULT '',
  created_at    timestamptz NOT NULL,
  finished_at   timestamptz,
  -- However often an event is consumed, it is sent to a recipient once.
  CONSTRAINT notification_deliveries_once UNIQUE (event_id, channel_id, recipient),
  CHECK ((state = 'pending') = (finished_at IS NULL))
);
CREATE INDEX notification_deliveries_due ON notification_deliveries (channel_id, next_at)
  WHERE state = 'pending';
CREATE INDEX ON notification_deliveries (org_id, id DESC);
CREATE INDEX ON notification_deliveries (finished_at) WHERE state <> 'pending';

-- Whether people were told that the agent is connected: so that they are told when it no
-- longer is, once.
ALTER TABLE agents ADD COLUMN connected_told boolean NOT NULL DEFAULT false;
