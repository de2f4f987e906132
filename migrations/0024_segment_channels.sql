-- One more kind of channel: figures about how the product is used, if the notifier's environment
-- says so.
ALTER TABLE notification_channels
  DROP CONSTRAINT notification_channels_kind_check,
  ADD CONSTRAINT notification_channels_kind_check
    CHECK (kind IN ('smtp', 'slack', 'magicbell', 'webhook', 'segment'));
