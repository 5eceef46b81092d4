import { changesKept } from '../changes.ts';
import { ownNames } from './functions.ts';
import { timeUnless } from './sql.ts';

/** Planned once, and not compiled: either takes longer than to read. */
const read = `LANGUAGE plpgsql ${ownNames} SET jit = off SET plan_cache_mode = force_generic_plan`;

/** What is asked of a ring goes past its end. */
const wraps = `first % ${changesKept} > counter % ${changesKept}`;

/**
 * `beat` answers the counters, and what has changed since those that are `known`. Its commit writes to the log and
 * waits as every write does: for the disk, and for standbys where they are asked for. Of each partition's ring,
 * which is full sooner or later, it reads what is asked for and no more: OFFSET 0 keeps it from being joined as a
 * whole, and works out once where each begins. `at` is the engine's time where a test gives one.
 */
export function beatFunction(schema: string): string {
  return `
CREATE OR REPLACE FUNCTION ${schema}.beat(
  at bigint, known bigint[], OUT now float8, OUT counters json, OUT changes json
) ${read} AS $beat$
#variable_conflict use_column
DECLARE
  written pg_lsn;
BEGIN
  now := ${timeUnless('at')};
  written := pg_logical_emit_message(true, 'sojourn', '');
  SELECT (SELECT json_agg(counter ORDER BY partition) FROM ${schema}.partitions),
      (SELECT json_agg(json_build_array(asked.partition, change.number, change.mark, change.at, change.id))
        FROM (
          SELECT partition, counter,
            greatest(coalesce(known[partition + 1], counter), counter - ${changesKept - 1}) AS first
          FROM ${schema}.partitions OFFSET 0
        ) asked
        CROSS JOIN LATERAL (
          SELECT number, mark, at, id FROM ${schema}.changes
            WHERE changes.partition = asked.partition AND number BETWEEN first AND counter
              AND slot >= first % ${changesKept}
              AND slot <= CASE WHEN ${wraps} THEN ${changesKept - 1} ELSE counter % ${changesKept} END
          UNION ALL
          SELECT number, mark, at, id FROM ${schema}.changes
            WHERE changes.partition = asked.partition AND number BETWEEN first AND counter
              AND ${wraps} AND slot <= counter % ${changesKept}
          OFFSET 0
        ) change
      )
  INTO counters, changes;
END
$beat$;`;
}

/**
 * `read_events` reads events and what is kept of them as one state. What is past the retention is not read, although
 * its week may still be there: who begins does so behind it, and the place of who has not read it is forgotten.
 * Never an event before an earlier one of the same partition.
 */
export function eventsFunction(schema: string): string {
  return `
CREATE OR REPLACE FUNCTION ${schema}.read_events(
  positions bigint[], most int, OUT counters json, OUT forgotten json, OUT events json
) STABLE ${read} AS $events$
#variable_conflict use_column
BEGIN
  WITH horizon AS MATERIALIZED (SELECT forgotten_before AS at FROM ${schema}.engine), kept AS MATERIALIZED (
        SELECT partitions.partition, counter, CASE WHEN positions IS NULL
          THEN coalesce((
            SELECT number - 1 FROM ${schema}.events WHERE events.partition = partitions.partition
              AND number > forgotten AND events.at >= (SELECT at FROM horizon) ORDER BY number LIMIT 1
          ), counter)
          ELSE greatest(forgotten, (
            SELECT CASE WHEN next.at < (SELECT at FROM horizon) THEN next.number END FROM (
              SELECT number, events.at FROM ${schema}.events WHERE events.partition = partitions.partition
                AND number > positions[partitions.partition + 1] ORDER BY number LIMIT 1
            ) next
          ))
        END AS forgotten FROM ${schema}.partitions partitions
      )
      SELECT
        (SELECT json_agg(counter ORDER BY partition) FROM kept),
        (SELECT json_agg(forgotten ORDER BY partition) FROM kept),
        (SELECT json_agg(json_build_array(one.partition, one.number, one.body)) FROM (
          SELECT event.partition, event.number, event.body FROM kept
          CROSS JOIN LATERAL (
            SELECT partition, number, body, max(at) OVER (ORDER BY number) AS reached FROM ${schema}.events
            WHERE events.partition = kept.partition
              AND number > coalesce(positions[kept.partition + 1], kept.forgotten)
            ORDER BY number LIMIT most
          ) event
          ORDER BY event.reached, event.partition, event.number LIMIT most
        ) one)
  INTO counters, forgotten, events;
END
$events$;`;
}

/** `tell` notifies. Nothing rests on it, so it waits for no disk. */
export function tellFunction(schema: string): string {
  return `
CREATE OR REPLACE FUNCTION ${schema}.tell(channel text, payloads text[]) RETURNS void LANGUAGE plpgsql ${ownNames} AS $tell$
BEGIN
  PERFORM set_config('synchronous_commit', 'off', true), pg_notify(channel, payload) FROM unnest(payloads) payload;
END
$tell$;`;
}
