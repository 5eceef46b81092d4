-- A schema of version 1 of PostgreSQL, as it was made then: never changed again.
CREATE SCHEMA sojourn;
CREATE TABLE sojourn.engine (epoch text NOT NULL, version int NOT NULL);
INSERT INTO sojourn.engine (epoch, version) VALUES
  ('PGxUlNGw', 1);
CREATE TABLE sojourn.sessions (
  id text COLLATE "C" PRIMARY KEY,
  record text NOT NULL,
  format int NOT NULL,
  data text NOT NULL,
  version int NOT NULL,
  last_seen_at bigint NOT NULL,
  idle_timeout bigint NOT NULL,
  expires_at bigint NOT NULL,
  subject text,
  state text NOT NULL,
  kind text NOT NULL,
  due_at bigint NOT NULL
) WITH (fillfactor = 70);
CREATE INDEX sessions_by_subject ON sojourn.sessions (subject, state) WHERE subject IS NOT NULL;
CREATE INDEX sessions_by_due ON sojourn.sessions (due_at);
CREATE TABLE sojourn.subjects (
  subject text PRIMARY KEY,
  stamp int NOT NULL,
  changed_at bigint,
  disabled boolean NOT NULL DEFAULT false,
  kept text
) WITH (fillfactor = 70);
CREATE TABLE sojourn.partitions (
  partition int PRIMARY KEY,
  counter bigint NOT NULL DEFAULT 0,
  forgotten bigint NOT NULL DEFAULT 0,
  anonymous int NOT NULL DEFAULT 0
) WITH (fillfactor = 10);
CREATE TABLE sojourn.events (
  partition int NOT NULL,
  number bigint NOT NULL,
  at bigint NOT NULL,
  subject text,
  terminal boolean NOT NULL,
  body text NOT NULL,
  PRIMARY KEY (partition, number, at)
) PARTITION BY RANGE (at);
CREATE INDEX events_by_subject ON sojourn.events (subject) WHERE subject IS NOT NULL;

CREATE FUNCTION sojourn.commit(stage jsonb, at bigint) RETURNS boolean LANGUAGE plpgsql AS $commit$
DECLARE
  clock bigint := coalesce(at, (extract(epoch FROM clock_timestamp()) * 1000)::bigint);
  stamped int;
BEGIN
  PERFORM 1 FROM sojourn.partitions
    WHERE partition IN (SELECT (count->>'partition')::int FROM jsonb_array_elements(stage->'counts') count)
    ORDER BY partition FOR UPDATE;
  PERFORM 1 FROM sojourn.sessions
    WHERE id IN (SELECT one->>'id' FROM jsonb_array_elements(stage->'guards') one)
    ORDER BY id FOR UPDATE;
  IF clock >= (stage->>'before')::bigint OR EXISTS (
    SELECT 1 FROM jsonb_to_recordset(stage->'guards') AS seen(id text, version int, "lastSeenAt" bigint)
    LEFT JOIN sojourn.sessions session ON session.id = seen.id
    WHERE session.version IS DISTINCT FROM seen.version OR session.last_seen_at IS DISTINCT FROM seen."lastSeenAt"
  ) THEN
    RETURN false;
  END IF;
  IF stage->>'mostAnonymous' IS NOT NULL AND
    (SELECT sum(anonymous) FROM sojourn.partitions) >= (stage->>'mostAnonymous')::int THEN
    RETURN false;
  END IF;

  IF stage->>'subject' IS NOT NULL THEN
    SELECT stamp INTO stamped FROM sojourn.subjects WHERE subject = stage->>'subject' FOR UPDATE;
    IF coalesce(stamped, 0) <> (stage->>'stamp')::int THEN
      RETURN false;
    END IF;
    IF (stage->>'begins')::boolean OR stage->'put' <> 'null' THEN
      IF stamped IS NULL THEN
        INSERT INTO sojourn.subjects (subject, stamp) VALUES (stage->>'subject', 1);
      ELSE
        UPDATE sojourn.subjects SET stamp = stamp + 1 WHERE subject = stage->>'subject';
      END IF;
    END IF;
    IF stage->'put' <> 'null' THEN
      UPDATE sojourn.subjects SET
        changed_at = (stage->'put'->>'changedAt')::bigint,
        disabled = (stage->'put'->>'disabled')::boolean,
        kept = stage->'put'->>'kept'
      WHERE subject = stage->>'subject';
    END IF;
  END IF;

  INSERT INTO sojourn.sessions
    SELECT * FROM jsonb_populate_recordset(NULL::sojourn.sessions, stage->'insert');
  UPDATE sojourn.sessions session SET
    record = next.record, data = next.data, version = next.version, last_seen_at = next.last_seen_at,
    idle_timeout = next.idle_timeout, expires_at = next.expires_at, state = next.state, due_at = next.due_at
    FROM jsonb_populate_recordset(NULL::sojourn.sessions, stage->'replace') next
    WHERE session.id = next.id;
  UPDATE sojourn.sessions session SET
    state = 'ended', data = '{}', version = session.version + 1, due_at = next.until
    FROM jsonb_to_recordset(stage->'bury') AS next(id text, until bigint) WHERE session.id = next.id;
  UPDATE sojourn.sessions session SET due_at = next.until
    FROM jsonb_to_recordset(stage->'defer') AS next(id text, until bigint) WHERE session.id = next.id;
  DELETE FROM sojourn.sessions WHERE id IN (SELECT jsonb_array_elements_text(stage->'remove'));

  UPDATE sojourn.partitions partitions SET
    counter = counter + count.numbers, anonymous = partitions.anonymous + count.anonymous
    FROM jsonb_to_recordset(stage->'counts') AS count(partition int, numbers int, anonymous int)
    WHERE partitions.partition = count.partition;
  PERFORM sojourn.week((event->>'at')::bigint) FROM jsonb_array_elements(stage->'events') event;
  INSERT INTO sojourn.events (partition, number, at, subject, terminal, body)
    SELECT event.partition, partitions.counter - count.numbers + event.number,
      event.at, event.subject, event.terminal, event.body
    FROM jsonb_to_recordset(stage->'events')
      AS event(partition int, number int, at bigint, subject text, terminal boolean, body text)
    JOIN jsonb_to_recordset(stage->'counts') AS count(partition int, numbers int) USING (partition)
    JOIN sojourn.partitions partitions USING (partition);
  IF stage->>'erase' IS NOT NULL THEN
    UPDATE sojourn.events SET
      subject = NULL,
      body = ((body::jsonb - '{device,actor,by}'::text[]) || '{"subject":null}')::text
      WHERE subject = stage->>'erase';
  END IF;
  RETURN true;
END
$commit$;

CREATE FUNCTION sojourn.week(at bigint) RETURNS void LANGUAGE plpgsql AS $week$
DECLARE
  week bigint := at / 604800000;
  name text := 'events_' || week;
BEGIN
  IF to_regclass('sojourn.' || name) IS NULL THEN
    PERFORM pg_advisory_xact_lock(hashtext('sojourn sojourn'));
    EXECUTE format('CREATE TABLE IF NOT EXISTS sojourn.%I PARTITION OF sojourn.events FOR VALUES FROM (%s) TO (%s)',
      name, week * 604800000, (week + 1) * 604800000);
  END IF;
END
$week$;

CREATE FUNCTION sojourn.forget(before bigint, most int) RETURNS int LANGUAGE plpgsql AS $forget$
DECLARE
  name text;
  forgotten int := 0;
BEGIN
  FOR name IN
    SELECT child.relname FROM pg_inherits JOIN pg_class child ON child.oid = inhrelid
    WHERE inhparent = 'sojourn.events'::regclass
      AND (substr(child.relname, 8)::bigint + 1) * 604800000 <= before
  LOOP
    EXECUTE format('UPDATE sojourn.partitions partitions SET forgotten = greatest(forgotten, old.number)
      FROM (SELECT partition, max(number) AS number FROM sojourn.%I GROUP BY partition) old
      WHERE partitions.partition = old.partition', name);
    EXECUTE format('DROP TABLE sojourn.%I', name);
    forgotten := forgotten + most;
  END LOOP;
  WITH old AS (
    SELECT partition, number, at FROM sojourn.events WHERE at < before ORDER BY at LIMIT most
  ), remembered AS (
    UPDATE sojourn.partitions partitions SET forgotten = greatest(partitions.forgotten, newest.number)
    FROM (SELECT partition, max(number) AS number FROM old GROUP BY partition) newest
    WHERE partitions.partition = newest.partition
  ), removed AS (
    DELETE FROM sojourn.events events USING old
    WHERE events.partition = old.partition AND events.number = old.number AND events.at = old.at RETURNING 1
  )
  SELECT forgotten + count(*) INTO forgotten FROM removed;
  RETURN forgotten;
END
$forget$;

INSERT INTO sojourn.sessions (id, record, format, data, version, last_seen_at, idle_timeout, expires_at, subject, state, kind, due_at) VALUES
  ('AvisitorOfTheFirstRelease', '{"subject":null,"permissions":[],"factors":[],"kind":"anonymous","idleTimeout":1800000,"secretHash":"iQOGcV-pRcCNroYR7oc6JxH1GLelSGEcv0voQ793g5k","generation":1,"retired":[],"formKey":"form-key","operation":"Z_2nnOcN0R1s","createdAt":1767225600000,"signedInAt":null,"expiresAt":1767268800000,"rotatedAt":1767225600000}', 1, '{"cart":["tea"]}', 1, 1767225600000, 1800000, 1767268800000, NULL, 'anonymous', 'anonymous', 1767227400000),
  ('AvmQcPaH-r-Ev-9aa-2Z_XQ', '{"subject":"u3","permissions":[],"factors":[],"kind":"standard","idleTimeout":1800000,"secretHash":"5ATdKhp8GSKtSbrRfxccxRnn3ZtkfpMBJyyqT4iZej0","generation":1,"retired":[],"formKey":"form-key","operation":"ClTPQ2AAeNeB","createdAt":1767225660000,"signedInAt":1767225660000,"expiresAt":1767268860000,"rotatedAt":1767225660000,"ending":{"reason":"account_disabled","at":1767225660000,"by":"system"}}', 1, '{}', 2, 1767225660000, 1800000, 1767268860000, 'u3', 'ended', 'standard', 1767312060000),
  ('u0uXzGFFMMHDwXwgs5niobg', '{"subject":"u1","permissions":[],"factors":[],"kind":"standard","idleTimeout":1800000,"secretHash":"6uq5u2KN1HG3rJdISNjxSF7LYcNnbhmCCfQR-lRn_hE","generation":1,"retired":[],"formKey":"form-key","operation":"dZKUYzbyxXG-","createdAt":1767225600000,"signedInAt":1767225600000,"expiresAt":1767268800000,"rotatedAt":1767225600000,"ending":{"reason":"signed_out","at":1767225660000,"by":"u1"}}', 1, '{}', 2, 1767225600000, 1800000, 1767268800000, 'u1', 'ended', 'standard', 1767312060000),
  ('u1vKnTRtzt2bnGOukpvkKRA', '{"subject":"u1","permissions":["read"],"factors":[],"kind":"standard","idleTimeout":1800000,"secretHash":"lmRbrfJ4YJCplNbm6HWifSIsJWzQrgBliA3QTT6FUYQ","generation":1,"retired":[],"formKey":"form-key","operation":"x5PNeAGIDVLP","createdAt":1767225600000,"signedInAt":1767225600000,"expiresAt":1767268800000,"rotatedAt":1767225600000}', 1, '{"n":8}', 2, 1767225600000, 1800000, 1767268800000, 'u1', 'signed-in', 'standard', 1767227400000),
  ('ycIIy8nvYxXdNhQIgFX2MWw', '{"subject":"old","permissions":[],"factors":[],"kind":"standard","idleTimeout":7776000000,"secretHash":"YafDF-OIfCR4kgTESZ8QdSHsifTOg2aoPdD96JDMx1o","generation":1,"retired":[],"formKey":"form-key","operation":"WUgR6sRHeYSw","createdAt":1763596800000,"signedInAt":1763596800000,"expiresAt":1771372800000,"rotatedAt":1763596800000}', 1, '{"cart":["book"]}', 1, 1763596800000, 7776000000, 1771372800000, 'old', 'signed-in', 'standard', 1771372800000);
INSERT INTO sojourn.subjects (subject, stamp, changed_at, disabled, kept) VALUES
  ('old', 1, NULL, false, NULL),
  ('u1', 2, NULL, false, NULL),
  ('u2', 1, 1767225660000, false, NULL),
  ('u3', 2, 1767225660000, true, NULL);
INSERT INTO sojourn.partitions (partition, counter, forgotten, anonymous) VALUES
  (0, 3, 0, 1), (1, 0, 0, 0), (2, 0, 0, 0), (3, 0, 0, 0), (4, 0, 0, 0), (5, 0, 0, 0), (6, 0, 0, 0), (7, 0, 0, 0),
  (8, 0, 0, 0), (9, 0, 0, 0), (10, 0, 0, 0), (11, 0, 0, 0), (12, 0, 0, 0), (13, 0, 0, 0), (14, 0, 0, 0), (15, 0, 0, 0),
  (16, 0, 0, 0), (17, 0, 0, 0), (18, 0, 0, 0), (19, 0, 0, 0), (20, 0, 0, 0), (21, 0, 0, 0), (22, 0, 0, 0), (23, 0, 0, 0),
  (24, 0, 0, 0), (25, 0, 0, 0), (26, 0, 0, 0), (27, 0, 0, 0), (28, 0, 0, 0), (29, 0, 0, 0), (30, 0, 0, 0), (31, 0, 0, 0),
  (32, 0, 0, 0), (33, 0, 0, 0), (34, 0, 0, 0), (35, 0, 0, 0), (36, 0, 0, 0), (37, 0, 0, 0), (38, 0, 0, 0), (39, 0, 0, 0),
  (40, 0, 0, 0), (41, 0, 0, 0), (42, 0, 0, 0), (43, 0, 0, 0), (44, 0, 0, 0), (45, 0, 0, 0), (46, 4, 0, 0), (47, 0, 0, 0),
  (48, 0, 0, 0), (49, 0, 0, 0), (50, 1, 0, 0), (51, 0, 0, 0), (52, 0, 0, 0), (53, 0, 0, 0), (54, 0, 0, 0), (55, 0, 0, 0),
  (56, 0, 0, 0), (57, 0, 0, 0), (58, 0, 0, 0), (59, 0, 0, 0), (60, 0, 0, 0), (61, 0, 0, 0), (62, 0, 0, 0), (63, 0, 0, 0);
SELECT sojourn.week(1763596800000);
SELECT sojourn.week(1767225600000);
INSERT INTO sojourn.events (partition, number, at, subject, terminal, body) VALUES
  (50, 1, 1763596800000, 'old', false, '{"type":"signed_in","at":1763596800000,"sessionId":"ycIIy8nvYxXdNhQIgFX2MWw","subject":"old","kind":"standard"}'),
  (0, 1, 1767225600000, NULL, false, '{"type":"created","at":1767225600000,"sessionId":"AvisitorOfTheFirstRelease","subject":null,"kind":"anonymous"}'),
  (46, 1, 1767225600000, 'u1', false, '{"type":"signed_in","at":1767225600000,"sessionId":"u1vKnTRtzt2bnGOukpvkKRA","subject":"u1","kind":"standard"}'),
  (46, 3, 1767225600000, 'u1', false, '{"type":"signed_in","at":1767225600000,"sessionId":"u0uXzGFFMMHDwXwgs5niobg","subject":"u1","kind":"standard"}'),
  (0, 2, 1767225660000, 'u3', false, '{"type":"signed_in","at":1767225660000,"sessionId":"AvmQcPaH-r-Ev-9aa-2Z_XQ","subject":"u3","kind":"standard"}'),
  (0, 3, 1767225660000, 'u3', true, '{"type":"terminated","at":1767225660000,"sessionId":"AvmQcPaH-r-Ev-9aa-2Z_XQ","subject":"u3","kind":"standard","reason":"account_disabled","by":"system","createdAt":1767225660000,"lastSeenAt":1767225660000}'),
  (46, 4, 1767225660000, 'u1', true, '{"type":"terminated","at":1767225660000,"sessionId":"u0uXzGFFMMHDwXwgs5niobg","subject":"u1","kind":"standard","reason":"signed_out","by":"u1","createdAt":1767225600000,"lastSeenAt":1767225600000}');
