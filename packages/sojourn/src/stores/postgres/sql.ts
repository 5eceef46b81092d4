import { partitions } from '../../lifecycle/token.ts';
import { changesKept } from '../changes.ts';

/** A session's row, in the words of a record. Numbers that JavaScript can hold exactly come as such. */
export const session = `session.id, session.record, session.format, session.data, session.version,
  session.last_seen_at::float8 AS "lastSeenAt", session.state, session.subject, session.kind`;

/** What is asked of a ring goes past its end. */
const wraps = `first % ${changesKept} > counter % ${changesKept}`;

/** A subject's record as JSON. */
export const subjectParts = `'subject', subject.subject, 'stamp', subject.stamp, 'changedAt', subject.changed_at,
  'disabled', subject.disabled, 'kept', subject.kept`;

/** The engine's time in milliseconds. */
export const serverTime = '(extract(epoch FROM clock_timestamp()) * 1000)::bigint';

/** The same, where none is given. */
export const timeUnless = (given: string): string => `coalesce(${given}, ${serverTime})`;

const clock = `${timeUnless('$1::bigint')}::float8 AS now`;

export type Statement =
  | 'find'
  | 'hold'
  | 'subject'
  | 'load'
  | 'claim'
  | 'commit'
  | 'commitEach'
  | 'touch'
  | 'live'
  | 'ended'
  | 'page'
  | 'subjects'
  | 'counters'
  | 'beat'
  | 'notify'
  | 'events'
  | 'weeks'
  | 'forget'
  | 'drop';

/**
 * Every statement that a store sends once it is open; those that call a function do what is said beside it
 * (`functions.ts`, `commits.ts`, `weeks.ts`). `$1` of those that tell the time is a test's clock, or null.
 */
export function statements(schema: string): Readonly<Record<Statement, string>> {
  return {
    find: `SELECT ${session} FROM ${schema}.sessions session WHERE id = $1`,
    /** In a transaction of the application's: a write of ours waits until that ends. The weakest lock that `commit` waits for: touches go on. */
    hold: `SELECT ${session} FROM ${schema}.sessions session WHERE id = $1 FOR KEY SHARE`,
    subject: `SELECT json_build_object(${subjectParts}) AS subject FROM ${schema}.subjects subject WHERE subject = $1`,
    load: `SELECT * FROM ${schema}.load($1, $2, $3, $4, $5, $6)`,
    claim: `SELECT * FROM ${schema}.claim($1, $2, $3)`,
    commit: `SELECT ${schema}.commit($2, $1) AS committed`,
    commitEach: `SELECT ${schema}.commit_each($2, $1) AS committed`,
    touch: `SELECT ${schema}.touch($1, $2, $3) AS held`,
    live: `SELECT ${session} FROM ${schema}.sessions session WHERE subject = $1 AND state = 'signed-in'`,
    ended: `SELECT body FROM ${schema}.events WHERE subject = $1 AND terminal AND at >= $2
      ORDER BY at DESC, number DESC LIMIT $3`,
    page: `SELECT ${session} FROM ${schema}.sessions session
      WHERE id > $1 COLLATE "C" AND ($2::text IS NULL OR state = $2) AND ($3::text IS NULL OR kind = $3)
      ORDER BY id LIMIT $4`,
    /** Without those who have only begun sessions. */
    subjects: `SELECT json_build_object(${subjectParts}) AS subject FROM ${schema}.subjects subject
      WHERE changed_at IS NOT NULL AND subject.subject > $1 ORDER BY subject.subject LIMIT $2`,
    counters: `SELECT json_agg(counter ORDER BY partition) AS counters FROM ${schema}.partitions`,
    /**
     * Its commit writes to the log and waits as every write does: for the disk, and for standbys where they are
     * asked for. Of each partition's ring, which is full sooner or later, it reads what is asked for and no more:
     * OFFSET 0 keeps it from being joined as a whole. LIMIT leaves out no partition: it tells how many there are,
     * however many dead versions of them a long transaction keeps, or the plan seems worth compiling each time.
     */
    beat: `SELECT ${clock}, pg_logical_emit_message(true, 'sojourn', '')::text AS written,
      (SELECT json_agg(counter ORDER BY partition) FROM ${schema}.partitions) AS counters,
      (SELECT json_agg(json_build_object('partition', asked.partition, 'number', change.number,
          'mark', change.mark, 'at', change.at, 'id', change.id))
        FROM (
          SELECT partition, counter,
            greatest(coalesce(($2::bigint[])[partition + 1], counter), counter - ${changesKept - 1}) AS first
          FROM ${schema}.partitions LIMIT ${partitions}
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
      ) AS changes`,
    /** Nothing rests on it, so it waits for no disk. */
    notify: `SELECT set_config('synchronous_commit', 'off', true), pg_notify($1, payload)
      FROM unnest($2::text[]) payload`,
    /**
     * Events and what is kept of them as one state. What is past the retention is not read, although its week may
     * still be there: who begins does so behind it, and the place of who has not read it is forgotten. Never
     * an event before an earlier one of the same partition. LIMIT as in `beat`.
     */
    events: `WITH horizon AS MATERIALIZED (SELECT forgotten_before AS at FROM ${schema}.engine LIMIT 1), kept AS MATERIALIZED (
        SELECT partitions.partition, counter, CASE WHEN $1::bigint[] IS NULL
          THEN coalesce((
            SELECT number - 1 FROM ${schema}.events WHERE events.partition = partitions.partition
              AND number > forgotten AND events.at >= (SELECT at FROM horizon) ORDER BY number LIMIT 1
          ), counter)
          ELSE greatest(forgotten, (
            SELECT CASE WHEN next.at < (SELECT at FROM horizon) THEN next.number END FROM (
              SELECT number, events.at FROM ${schema}.events WHERE events.partition = partitions.partition
                AND number > ($1::bigint[])[partitions.partition + 1] ORDER BY number LIMIT 1
            ) next
          ))
        END AS forgotten FROM ${schema}.partitions partitions LIMIT ${partitions}
      )
      SELECT
        (SELECT json_agg(counter ORDER BY partition) FROM kept) AS counters,
        (SELECT json_agg(forgotten ORDER BY partition) FROM kept) AS forgotten,
        (SELECT json_agg(json_build_array(one.partition, one.number, one.body)) FROM (
          SELECT event.partition, event.number, event.body FROM kept
          CROSS JOIN LATERAL (
            SELECT partition, number, body, max(at) OVER (ORDER BY number) AS reached FROM ${schema}.events
            WHERE events.partition = kept.partition
              AND number > coalesce(($1::bigint[])[kept.partition + 1], kept.forgotten)
            ORDER BY number LIMIT $2
          ) event
          ORDER BY event.reached, event.partition, event.number LIMIT $2
        ) one) AS events`,
    weeks: `SELECT ${schema}.weeks($1)`,
    forget: `SELECT ${schema}.forget($1, $2) AS forgotten`,
    drop: `SELECT ${schema}.drop_weeks() AS dropped`,
  };
}
