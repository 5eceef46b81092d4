import { session, subjectParts, timeUnless } from './sql.ts';

export const searchPath = 'search_path = pg_catalog, pg_temp';
/** What is called is PostgreSQL's, and not what the caller's `search_path` puts before it. */
export const ownNames: string = `SET ${searchPath}`;

/**
 * Plans are kept from when the tables were small, when to read them whole would be cheapest. Where a small one must
 * be, to forbid it makes the plan seem so dear that PostgreSQL would compile it each time, for 100 ms. An index can
 * be read whole, too: so each statement also names the ids that it is about (`among`, OFFSET 0).
 */
export const planned: string = `${ownNames} SET enable_seqscan = off SET enable_hashjoin = off SET enable_mergejoin = off SET jit = off`;

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
  due text[] := '{}';
  candidate text;
BEGIN
  FOR candidate IN
    SELECT session.id FROM ${schema}.sessions session WHERE session.due_at <= clock
    ORDER BY session.due_at LIMIT 2 * most FOR UPDATE SKIP LOCKED
  LOOP
    -- PostgreSQL may have lost the lock of a row that a transaction holds (\`lockOf\`).
    CONTINUE WHEN NOT pg_try_advisory_xact_lock(${lockOf(schema, 'candidate')});
    due := due || candidate;
    EXIT WHEN cardinality(due) >= most;
  END LOOP;
  RETURN QUERY
    WITH claimed AS (
      UPDATE ${schema}.sessions session SET due_at = clock + put_off WHERE session.id = ANY (due) RETURNING session.*
    )
    SELECT clock::float8, (SELECT json_agg(row_to_json(one)) FROM (SELECT ${session} FROM claimed session) one);
END
$claim$;`;
}

/**
 * The lock of a session that an application's transaction asserts (`hold`), by its id: whoever asserts it shares it,
 * who changes it has it alone, and each waits behind those who asked before. Locks of its row would not queue, so that
 * who asserts it again and again would keep it from ending; and PostgreSQL loses the one that lets touches go on where
 * it comes during an UPDATE that needs another page.
 */
export const lockOf = (schema: string, id: string): string => `hashtext('sojourn ${schema}'), hashtext(${id})`;

/**
 * `hold` is a look-up in a transaction of the application's: what changes the session waits until that ends. It locks
 * the row too, for the sweep to pass over, and so that a transaction which sees an older state learns of it.
 */
export function holdFunction(schema: string): string {
  return `
CREATE OR REPLACE FUNCTION ${schema}.hold(wanted text) RETURNS TABLE (
  id text, record text, format int, data text, version int, "lastSeenAt" float8, state text, subject text, kind text
) LANGUAGE plpgsql ${planned} AS $hold$
#variable_conflict use_column
BEGIN
  PERFORM pg_advisory_xact_lock_shared(${lockOf(schema, 'wanted')});
  RETURN QUERY SELECT ${session} FROM ${schema}.sessions session WHERE session.id = wanted FOR KEY SHARE;
END
$hold$;`;
}

/** Who ends a session by the clock waits for the touches before it. */
const longestTouch = '1s';

/**
 * `touch` moves last seen forward, a row at a time and by its id, and answers the ids of those that a write holds.
 * It waits for them only when it is `patient`, with one at a time: else whoever writes to one of the others would
 * wait as long. An application's transaction (`hold`), and who waits for that, keep it from none.
 */
export function touchFunction(schema: string): string {
  const counts = `one.seen_at > session.last_seen_at AND session.state <> 'ended'
      AND one.seen_at < least(session.last_seen_at + session.idle_timeout, session.expires_at)`;
  return `
CREATE OR REPLACE FUNCTION ${schema}.touch(ids text[], seen bigint[], patient boolean) RETURNS json LANGUAGE plpgsql
  ${planned} SET lock_timeout = '${longestTouch}' AS $touch$
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
