-- As the account that owns the schema, once it has opened the store. `app` then needs no more.
GRANT USAGE ON SCHEMA sojourn TO app;
GRANT SELECT, INSERT, UPDATE, DELETE ON ALL TABLES IN SCHEMA sojourn TO app;
GRANT EXECUTE ON ALL FUNCTIONS IN SCHEMA sojourn TO app;
-- For what later releases add.
ALTER DEFAULT PRIVILEGES IN SCHEMA sojourn GRANT SELECT, INSERT, UPDATE, DELETE ON TABLES TO app;
ALTER DEFAULT PRIVILEGES IN SCHEMA sojourn GRANT EXECUTE ON FUNCTIONS TO app;
