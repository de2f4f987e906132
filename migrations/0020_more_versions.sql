-- What else is changed over REST counts its changes, as connections and users do. Service
-- accounts are users.
ALTER TABLE plugins ADD COLUMN version integer NOT NULL DEFAULT 1;
ALTER TABLE api_keys ADD COLUMN version integer NOT NULL DEFAULT 1;
ALTER TABLE notification_channels ADD COLUMN version integer NOT NULL DEFAULT 1;
ALTER TABLE notification_subscriptions ADD COLUMN version integer NOT NULL DEFAULT 1;
