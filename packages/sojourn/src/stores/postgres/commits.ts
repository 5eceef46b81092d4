import { changesKept } from '../changes.ts';
import { lockOf, planned } from './functions.ts';
import { partitionsMissing } from './rows.ts';
import { timeUnless } from './sql.ts';

/** What PostgreSQL takes, in milliseconds. */
const longestLockTimeout = 2 ** 31 - 1;

/** Of the rows of a stage's list, those that `session` is one of. */
const among = (list: string): string =>
  `session.id = ANY (ARRAY(SELECT one->>'id' FROM jsonb_array_elements(stage->'${list}') one))`;

/**
 * How long it waits for each lock from now on: no longer than its decision can hold or anybody waits for it. One
 * that waits for ever would, behind a transaction of the application's, outlive every deadline.
 */
const waitUntilLate = (refused: string): string => `clock := ${timeUnless('at')};
  IF clock >= before THEN
    RETURN ${refused};
  END IF;
  patience := set_config('lock_timeout', least(before - clock, ${longestLockTimeout})::text, true);`;

/** As the last thing: what has waited too long for a lock since is taken back whole. */
const unlessLate = `IF ${timeUnless('at')} >= before THEN
    RAISE lock_not_available;
  END IF;`;

/** By the names of their locks, then by the ids: two may have one lock. */
const inOrder = `hashtext(one.id), one.id COLLATE "C"`;

/**
 * The sessions that decisions rest on. First those who have asserted one that is changed are waited for (`lockOf`),
 * then the rows are locked, which nobody holds for longer than a write; one after another, or it would wait as long
 * for each, and in the order of their locks' names. Of a session that is not there nothing has been asserted. Where
 * one is changed, a weaker lock of its row would show a transaction above read committed an older state as live.
 */
const sessionsLocked = (schema: string, stages: string, refused: string): string => `
  SELECT coalesce(array_agg(one.id ORDER BY ${inOrder}), '{}'), coalesce(array_agg(one.changes ORDER BY ${inOrder}), '{}')
    INTO needed, is_changed FROM (
      SELECT given->>'id' AS id, given->>'id' IN (
        -- What is removed is named by its id alone.
        SELECT coalesce(changed->>'id', changed#>>'{}') FROM ${stages}
          jsonb_array_elements((stage->'replace') || (stage->'bury') || (stage->'defer') || (stage->'remove')) changed
      ) AS changes
      FROM ${stages} jsonb_array_elements((stage->'guards') || (stage->'defer')) given
      WHERE given->'version' IS DISTINCT FROM 'null'
    ) one;
  FOR place IN 1 .. cardinality(needed) LOOP
    CONTINUE WHEN NOT is_changed[place];
    ${waitUntilLate(refused)}
    PERFORM pg_advisory_xact_lock(${lockOf(schema, 'needed[place]')});
  END LOOP;
  FOR place IN 1 .. cardinality(needed) LOOP
    ${waitUntilLate(refused)}
    IF is_changed[place] THEN
      PERFORM 1 FROM ${schema}.sessions WHERE id = needed[place] FOR UPDATE;
    ELSE
      PERFORM 1 FROM ${schema}.sessions WHERE id = needed[place] FOR NO KEY UPDATE;
    END IF;
  END LOOP;`;

/**
 * `commit` writes one decision, with the account's own rights. It locks the sessions, which an application's
 * transaction may hold (`hold`), before the partitions that take numbers and the subject's, for which everybody
 * waits (and whose order of locks makes the order of numbers that of commits), then the subject; looks whether all
 * is still as the decision saw it, by the time once it has its locks; and writes, or answers false. Only the count
 * of visitors is not locked. `at` is the engine's time where a test gives one.
 */
export function commitFunction(schema: string): string {
  return `
CREATE OR REPLACE FUNCTION ${schema}.commit(stage jsonb, at bigint) RETURNS boolean LANGUAGE plpgsql
  ${planned} SET lock_timeout = 0 AS $commit$
DECLARE
  before bigint := stage->>'before';
  clock bigint;
  needed text[];
  is_changed boolean[];
  taken int;
  stamped int;
  numbered int;
  patience text;
BEGIN
  ${sessionsLocked(schema, '', 'false')}
  FOR taken IN SELECT (count->>'partition')::int FROM jsonb_array_elements(stage->'counts') count ORDER BY 1 LOOP
    ${waitUntilLate('false')}
    PERFORM 1 FROM ${schema}.partitions WHERE partition = taken FOR UPDATE;
  END LOOP;
  ${waitUntilLate('false')}
  IF EXISTS (
    SELECT 1 FROM jsonb_to_recordset(stage->'guards') AS seen(id text, version int, "lastSeenAt" bigint)
    LEFT JOIN LATERAL (
      SELECT one.version, one.last_seen_at FROM ${schema}.sessions one WHERE one.id = seen.id OFFSET 0
    ) session ON true
    WHERE session.version IS DISTINCT FROM seen.version OR session.last_seen_at IS DISTINCT FROM seen."lastSeenAt"
  ) THEN
    RETURN false;
  END IF;
  IF stage->>'mostAnonymous' IS NOT NULL THEN
    IF (SELECT sum(anonymous) FROM ${schema}.partitions) >= (stage->>'mostAnonymous')::bigint THEN
      RETURN false;
    END IF;
  END IF;

  IF stage->>'subject' IS NOT NULL THEN
    SELECT stamp INTO stamped FROM ${schema}.subjects WHERE subject = stage->>'subject' FOR UPDATE;
    IF coalesce(stamped, 0) <> (stage->>'stamp')::int THEN
      RETURN false;
    END IF;
    IF (stage->>'begins')::boolean OR stage->'put' <> 'null' THEN
      IF stamped IS NULL THEN
        INSERT INTO ${schema}.subjects (subject, stamp) VALUES (stage->>'subject', 1);
      ELSE
        UPDATE ${schema}.subjects SET stamp = stamp + 1 WHERE subject = stage->>'subject';
      END IF;
    END IF;
    IF stage->'put' <> 'null' THEN
      UPDATE ${schema}.subjects SET
        changed_at = (stage->'put'->>'changedAt')::bigint,
        disabled = (stage->'put'->>'disabled')::boolean,
        kept = stage->'put'->>'kept'
      WHERE subject = stage->>'subject';
    END IF;
  END IF;

  -- A statement costs as much to begin as to run: those that have nothing to do are left out.
  IF stage->'insert' <> '[]' THEN
    INSERT INTO ${schema}.sessions
      SELECT * FROM jsonb_populate_recordset(NULL::${schema}.sessions, stage->'insert');
  END IF;
  IF stage->'replace' <> '[]' THEN
    UPDATE ${schema}.sessions session SET
      record = next.record, data = next.data, version = next.version, last_seen_at = next.last_seen_at,
      idle_timeout = next.idle_timeout, expires_at = next.expires_at, state = next.state, due_at = next.due_at
      FROM jsonb_populate_recordset(NULL::${schema}.sessions, stage->'replace') next
      WHERE session.id = next.id AND ${among('replace')};
  END IF;
  IF stage->'bury' <> '[]' THEN
    UPDATE ${schema}.sessions session SET
      state = 'ended', data = '{}', version = session.version + 1, due_at = next.until
      FROM jsonb_to_recordset(stage->'bury') AS next(id text, until bigint)
      WHERE session.id = next.id AND ${among('bury')};
  END IF;
  IF stage->'defer' <> '[]' THEN
    UPDATE ${schema}.sessions session SET due_at = next.until
      FROM jsonb_to_recordset(stage->'defer') AS next(id text, until bigint)
      WHERE session.id = next.id AND ${among('defer')};
  END IF;
  IF stage->'remove' <> '[]' THEN
    DELETE FROM ${schema}.sessions WHERE id = ANY (ARRAY(SELECT jsonb_array_elements_text(stage->'remove')));
  END IF;

  UPDATE ${schema}.partitions partitions SET
    counter = counter + count.numbers, anonymous = partitions.anonymous + count.anonymous
    FROM jsonb_to_recordset(stage->'counts') AS count(partition int, numbers int, anonymous int)
    WHERE partitions.partition = count.partition;
  GET DIAGNOSTICS numbered = ROW_COUNT;
  IF numbered < jsonb_array_length(stage->'counts') THEN
    RAISE EXCEPTION '${partitionsMissing}';
  END IF;
  INSERT INTO ${schema}.events (partition, number, at, subject, terminal, body)
    SELECT event.partition, partitions.counter - count.numbers + event.number,
      event.at, event.subject, event.terminal, event.body
    FROM jsonb_to_recordset(stage->'events')
      AS event(partition int, number int, at bigint, subject text, terminal boolean, body text)
    JOIN jsonb_to_recordset(stage->'counts') AS count(partition int, numbers int) USING (partition)
    JOIN ${schema}.partitions partitions USING (partition);
  INSERT INTO ${schema}.changes AS change (partition, slot, number, mark, at, id)
    SELECT next.partition, (partitions.counter - count.numbers + next.number) % ${changesKept},
      partitions.counter - count.numbers + next.number, stage->>'mark', clock, next.id
    FROM jsonb_to_recordset(coalesce(stage->'changed', '[]')) AS next(partition int, number int, id text)
    JOIN jsonb_to_recordset(stage->'counts') AS count(partition int, numbers int) USING (partition)
    JOIN ${schema}.partitions partitions USING (partition)
    ON CONFLICT (partition, slot) DO UPDATE SET
      number = excluded.number, mark = excluded.mark, at = excluded.at, id = excluded.id;
  IF stage->>'erase' IS NOT NULL THEN
    DELETE FROM ${schema}.events WHERE subject = stage->>'erase' AND ${schema}.erased(body) IS NULL;
    UPDATE ${schema}.events SET subject = NULL, body = ${schema}.erased(body) WHERE subject = stage->>'erase';
  END IF;
  ${unlessLate}
  RETURN true;
END
$commit$;`;
}

/**
 * `commit_each` writes decisions each for itself, in one transaction. It locks the sessions of all of them first:
 * none holds a partition and waits for a session. They hold as long as the first that does not any more.
 */
export function commitEachFunction(schema: string): string {
  return `
CREATE OR REPLACE FUNCTION ${schema}.commit_each(stages jsonb, at bigint) RETURNS json LANGUAGE plpgsql
  ${planned} SET lock_timeout = 0 AS $each$
DECLARE
  before bigint := (SELECT min((stage->>'before')::bigint) FROM jsonb_array_elements(stages) stage);
  clock bigint;
  needed text[];
  is_changed boolean[];
  patience text;
  committed json;
BEGIN
  ${sessionsLocked(schema, 'jsonb_array_elements(stages) stage,', "'[]'")}
  SELECT json_agg(${schema}.commit(given.stage, at) ORDER BY given.number) INTO committed
    FROM jsonb_array_elements(stages) WITH ORDINALITY AS given(stage, number);
  ${unlessLate}
  RETURN committed;
END
$each$;`;
}
