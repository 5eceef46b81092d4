import { changesKept } from '../changes.ts';
import { partitionsMissing } from './rows.ts';
import { session, subjectParts, timeUnless } from './sql.ts';

/** What is called is PostgreSQL's, and not what the caller's `search_path` puts before it. */
export const ownNames = 'SET search_path = pg_catalog, pg_temp';

/**
 * Plans are kept from when the tables were small, when to read them whole would be cheapest. Where a small one must
 * be, to forbid it makes the plan seem so dear that PostgreSQL would compile it each time, for 100 ms. An index can
 * be read whole, too: so each statement also names the ids that it is about (`among`, OFFSET 0).
 */
const planned = `${ownNames} SET enable_seqscan = off SET enable_hashjoin = off SET enable_mergejoin = off SET jit = off`;

/** What PostgreSQL takes, in milliseconds. */
const longestLockTimeout = 2 ** 31 - 1;

/**
 * `load` reads what a decision must see, sessions by their ids, and a subject with its sessions: one trip, one state
 * of the engine. `at` is the engine's time where a test gives one.
 */
export function loadFunction(schema: string): string {
  return `
CREATE OR REPLACE FUNCTION ${schema}.load(
  at bigint, ids text[], whose text, with_ended boolean, with_owners boolean, with_visitors boolean
) RETURNS TABLE (now float8, sessions json, subjects json, anonymous float8) LANGUAGE plpgsql STABLE
  ${planned} SET plan_cache_mode = force_generic_plan AS $load$
#variable_conflict use_column
BEGIN
  RETURN QUERY SELECT
    ${timeUnless('at')}::float8,
    (SELECT json_agg(row_to_json(one)) FROM (
      SELECT ${session} FROM ${schema}.sessions session WHERE session.id = ANY (ids)
      UNION
      SELECT ${session} FROM ${schema}.sessions session
        WHERE session.subject = whose
          AND session.state = ANY (CASE WHEN with_ended THEN '{signed-in,ended}' ELSE '{signed-in}' END::text[])
    ) one),
    (SELECT json_agg(json_build_object(${subjectParts})) FROM ${schema}.subjects subject
      WHERE subject.subject = ANY (array_append(
        ARRAY(SELECT session.subject FROM ${schema}.sessions session WHERE with_owners AND session.id = ANY (ids)), whose
      ))
    ),
    CASE WHEN with_visitors THEN (SELECT sum(partitions.anonymous) FROM ${schema}.partitions) ELSE 0 END::float8;
END
$load$;`;
}

/** Of the rows of a stage's list, those that `session` is one of. */
const among = (list: string): string =>
  `session.id = ANY (ARRAY(SELECT one->>'id' FROM jsonb_array_elements(stage->'${list}') one))`;

/**
 * How long a commit waits for each lock from now on: no longer than its decision can hold or anybody waits for it.
 * One that waits for ever would, behind a transaction of the application's, outlive every deadline.
 */
const waitUntilLate = `clock := ${timeUnless('at')};
  IF clock >= (stage->>'before')::bigint THEN
    RETURN false;
  END IF;
  patience := set_config('lock_timeout', least((stage->>'before')::bigint - clock, ${longestLockTimeout})::text, true);`;

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
  clock bigint;
  stamped int;
  numbered int;
  patience text;
BEGIN
  ${waitUntilLate}
  PERFORM 1 FROM ${schema}.sessions
    WHERE id = ANY (ARRAY(
      SELECT one->>'id' FROM jsonb_array_elements(stage->'guards') one
      UNION ALL SELECT jsonb_array_elements_text(stage->'beside')
    ))
    ORDER BY id FOR UPDATE;
  ${waitUntilLate}
  PERFORM 1 FROM ${schema}.partitions
    WHERE partition IN (SELECT (count->>'partition')::int FROM jsonb_array_elements(stage->'counts') count)
    ORDER BY partition FOR UPDATE;
  -- Only now: it may have waited long for the locks.
  clock := ${timeUnless('at')};
  IF clock >= (stage->>'before')::bigint OR EXISTS (
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
  RETURN true;
END
$commit$;`;
}

/**
 * `claim` reads what is due for the sweep and puts it off for a while: another process passes over it, and comes
 * back if this one does not get through. It passes over what is being written, and what a transaction holds.
 */
export function claimFunction(schema: string): string {
  return `
CREATE OR REPLACE FUNCTION ${schema}.claim(at bigint, most int, put_off bigint)
  RETURNS TABLE (now float8, sessions json) LANGUAGE plpgsql ${planned} AS $claim$
DECLARE
  clock bigint := ${timeUnless('at')};
  due text[] := ARRAY(
    SELECT session.id FROM ${schema}.sessions session WHERE session.due_at <= clock
    ORDER BY session.due_at LIMIT most FOR UPDATE SKIP LOCKED
  );
BEGIN
  RETURN QUERY
    WITH claimed AS (
      UPDATE ${schema}.sessions session SET due_at = clock + put_off WHERE session.id = ANY (due) RETURNING session.*
    )
    SELECT clock::float8, (SELECT json_agg(row_to_json(one)) FROM (SELECT ${session} FROM claimed session) one);
END
$claim$;`;
}

/**
 * `touch` moves last seen forward, a row at a time and by its id, and answers the ids of those that a write holds.
 * It waits for them only when it is `patient`, with one at a time: else whoever writes to one of the others would
 * wait as long. An application's transaction (`hold`) does not keep it from any.
 */
export function touchFunction(schema: string): string {
  const counts = `one.seen_at > session.last_seen_at AND session.state <> 'ended'
      AND one.seen_at < least(session.last_seen_at + session.idle_timeout, session.expires_at)`;
  return `
CREATE OR REPLACE FUNCTION ${schema}.touch(ids text[], seen bigint[], patient boolean) RETURNS json LANGUAGE plpgsql
  ${planned} AS $touch$
DECLARE
  one record;
  held text[] := '{}';
BEGIN
  FOR one IN SELECT touch.id, touch.seen_at FROM unnest(ids, seen) AS touch(id, seen_at) LOOP
    IF NOT patient THEN
      PERFORM 1 FROM ${schema}.sessions session WHERE session.id = one.id AND ${counts}
        FOR NO KEY UPDATE SKIP LOCKED;
      IF NOT FOUND THEN
        IF EXISTS (SELECT 1 FROM ${schema}.sessions session WHERE session.id = one.id AND ${counts}) THEN
          held := held || one.id;
        END IF;
        CONTINUE;
      END IF;
    END IF;
    UPDATE ${schema}.sessions session SET last_seen_at = one.seen_at WHERE session.id = one.id AND ${counts};
  END LOOP;
  RETURN to_json(held);
END
$touch$;`;
}

/**
 * `erased`: an event's text that no longer tells who it was about, NULL where it cannot be read. `jsonb` takes
 * neither NUL nor half of a pair, which JSON may hold.
 */
export function erasedFunction(schema: string): string {
  return `
CREATE OR REPLACE FUNCTION ${schema}.erased(body text) RETURNS text LANGUAGE plpgsql IMMUTABLE
  ${ownNames} AS $erased$
DECLARE
  event jsonb;
BEGIN
  event := regexp_replace(body, '\\\\u(0000|d[89a-f][0-9a-f]{2})', '\\\\ufffd', 'gi')::jsonb;
  IF event->>'type' IS NULL THEN
    RETURN NULL;
  END IF;
  RETURN ((event - '{device,actor,by}'::text[]) || '{"subject":null}')::text;
EXCEPTION WHEN data_exception THEN
  RETURN NULL;
END
$erased$;`;
}
