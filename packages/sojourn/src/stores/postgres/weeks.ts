import { retention } from '../rows.ts';
import { ownNames } from './functions.ts';
import { serverTime } from './sql.ts';

/*
 * Events stand in a table a week. Tables are made ahead and dropped apart from every write, each in a
 * transaction of its own that gives up soon: a dump that is running, or any reader, holds a lock that
 * both must wait for, and whoever writes next would wait behind them. What finds no table of its week
 * stands in the default one.
 */

/** Events stand in a table a week. */
const week = 7 * 86_400_000;
/** How many weeks after this one have a table already. */
const ahead = 2;
/** How long they wait for each lock at most: meanwhile those who write and read events wait behind them. */
const patience = '100ms';

/** Whose account owns the schema, and so could drop every table, may move the time: tests do. */
const mayMoveTime = `pg_has_role(session_user, current_user, 'MEMBER')`;

/**
 * Three functions with the rights of who owns the schema, for whoever may execute them: accounts that only
 * read and write sweep with these, and no time that they give makes these forget what is not past the retention.
 * `weeks` makes tables ahead, `forget` says what is past it, and `drop_weeks` drops what an earlier lap said of.
 */
export function weekFunctions(schema: string): string {
  const asOwner = `LANGUAGE plpgsql SECURITY DEFINER ${ownNames}`;
  const numbers = `SELECT substring(child.relname FROM '^events_([0-9]+)$')::bigint AS number
      FROM pg_inherits JOIN pg_class child ON child.oid = inhrelid WHERE inhparent = '${schema}.events'::regclass`;
  return `
CREATE OR REPLACE FUNCTION ${schema}.weeks(at bigint) RETURNS void ${asOwner} SET lock_timeout = '${patience}' AS $weeks$
DECLARE
  this bigint := CASE WHEN at IS NOT NULL AND ${mayMoveTime} THEN at ELSE least(at, ${serverTime}) END / ${week};
  missing bigint;
BEGIN
  IF NOT pg_try_advisory_xact_lock(hashtext('sojourn weeks ${schema}')) THEN
    RETURN;
  END IF;
  FOR missing IN
    SELECT generate_series(this, this + ${ahead}) EXCEPT SELECT number FROM (${numbers}) made
  LOOP
    -- What stands in the default table stays there, and so does its week.
    CONTINUE WHEN EXISTS (
      SELECT FROM ${schema}.events_default old WHERE old.at >= missing * ${week} AND old.at < (missing + 1) * ${week}
    );
    EXECUTE format('CREATE TABLE ${schema}.%I (LIKE ${schema}.events INCLUDING ALL)', 'events_' || missing);
    EXECUTE format('ALTER TABLE ${schema}.events ATTACH PARTITION ${schema}.%I FOR VALUES FROM (%s) TO (%s)',
      'events_' || missing, missing * ${week}, (missing + 1) * ${week});
  END LOOP;
EXCEPTION WHEN lock_not_available OR deadlock_detected OR duplicate_table OR unique_violation THEN
  RETURN;
END
$weeks$;

CREATE OR REPLACE FUNCTION ${schema}.forget(before bigint, most int) RETURNS int ${asOwner} SET lock_timeout = '${patience}' AS $forget$
DECLARE
  past bigint[];
  old bigint;
  forgotten int := 0;
BEGIN
  IF before IS NULL OR NOT ${mayMoveTime} THEN
    before := least(before, ${serverTime} - ${retention});
  END IF;
  past := ARRAY(SELECT number FROM (${numbers}) made WHERE (number + 1) * ${week} <= before);
  UPDATE ${schema}.engine SET forgotten_before = before WHERE forgotten_before < before;
  IF past = '{}' AND NOT EXISTS (SELECT FROM ${schema}.events_default event WHERE event.at < before) THEN
    RETURN 0;
  END IF;
  -- In the order in which a write takes them, and before any table.
  PERFORM 1 FROM ${schema}.partitions ORDER BY partition FOR UPDATE;
  FOREACH old IN ARRAY past LOOP
    -- With its bounds written out, so that only its own table is looked at.
    EXECUTE format('UPDATE ${schema}.partitions partitions SET forgotten = (
        SELECT max(number) FROM ${schema}.events WHERE events.partition = partitions.partition AND at >= %1$s AND at < %2$s
      ) WHERE EXISTS (
        SELECT FROM ${schema}.events WHERE events.partition = partitions.partition AND at >= %1$s AND at < %2$s
          AND number > partitions.forgotten
      )', old * ${week}, (old + 1) * ${week});
  END LOOP;
  WITH old AS (
    SELECT event.partition, event.number, event.at FROM ${schema}.events_default event
    WHERE event.at < before ORDER BY event.at LIMIT most
  ), remembered AS (
    UPDATE ${schema}.partitions partitions SET forgotten = greatest(partitions.forgotten, newest.number)
    FROM (SELECT partition, max(number) AS number FROM old GROUP BY partition) newest
    WHERE partitions.partition = newest.partition
  ), removed AS (
    DELETE FROM ${schema}.events_default event USING old
    WHERE event.partition = old.partition AND event.number = old.number AND event.at = old.at RETURNING 1
  )
  SELECT count(*) INTO forgotten FROM removed;
  RETURN forgotten;
EXCEPTION WHEN lock_not_available OR deadlock_detected THEN
  RETURN 0;
END
$forget$;

CREATE OR REPLACE FUNCTION ${schema}.drop_weeks() RETURNS int ${asOwner} SET lock_timeout = '${patience}' AS $drop$
DECLARE
  old bigint;
  dropped int := 0;
BEGIN
  FOR old IN
    SELECT number FROM (${numbers}) made, ${schema}.engine WHERE (number + 1) * ${week} <= forgotten_before
  LOOP
    EXECUTE format('DROP TABLE IF EXISTS ${schema}.%I', 'events_' || old);
    dropped := dropped + 1;
  END LOOP;
  RETURN dropped;
EXCEPTION WHEN lock_not_available OR deadlock_detected THEN
  RETURN 0;
END
$drop$;

REVOKE EXECUTE ON FUNCTION ${schema}.weeks(bigint), ${schema}.forget(bigint, int), ${schema}.drop_weeks() FROM PUBLIC;`;
}
