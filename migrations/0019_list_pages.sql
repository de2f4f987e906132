-- The list of API keys goes by name as it is written; what keeps names unique knows it in lower
-- case only.
CREATE INDEX api_keys_by_name ON api_keys (org_id, name);
