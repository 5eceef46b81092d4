/*
 * What is sent as text is resolved by the search_path of whoever sends it, where others may make what fits better
 * than PostgreSQL's own, also behind it: so each function, type and operator is named with its schema. What has
 * more of them is a function of ours (`ownNames`).
 */

export const equals = 'OPERATOR(pg_catalog.=)';
const after = 'OPERATOR(pg_catalog.>)';

/** A session's row, in the words of a record. Numbers that JavaScript can hold exactly come as such. */
export const session = `session.id, session.record, session.format, session.data, session.version,
  session.last_seen_at::pg_catalog.float8 AS "lastSeenAt", session.state, session.subject, session.kind`;

/** A subject's record as JSON. */
export const subjectParts = `'subject', subject.subject, 'stamp', subject.stamp, 'changedAt', subject.changed_at,
  'disabled', subject.disabled, 'kept', subject.kept`;

/** The engine's time in milliseconds. */
export const serverTime = '(extract(epoch FROM clock_timestamp()) * 1000)::bigint';

/** The same, where none is given. */
export const timeUnless = (given: string): string => `coalesce(${given}, ${serverTime})`;

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
 * (`functions.ts`, `commits.ts`, `reads.ts`, `weeks.ts`). `$1` of those that tell the time is a test's clock, or null.
 */
export function statements(schema: string): Readonly<Record<Statement, string>> {
  return {
    find: `SELECT ${session} FROM ${schema}.sessions session WHERE id ${equals} $1`,
    hold: `SELECT * FROM ${schema}.hold($1)`,
    subject: `SELECT pg_catalog.json_build_object(${subjectParts}) AS subject FROM ${schema}.subjects subject
      WHERE subject.subject ${equals} $1`,
    load: `SELECT * FROM ${schema}.load($1, $2, $3, $4, $5, $6)`,
    claim: `SELECT * FROM ${schema}.claim($1, $2, $3)`,
    commit: `SELECT ${schema}.commit($2, $1) AS committed`,
    commitEach: `SELECT ${schema}.commit_each($2, $1) AS committed`,
    touch: `SELECT ${schema}.touch($1, $2, $3) AS held`,
    live: `SELECT ${session} FROM ${schema}.sessions session WHERE subject ${equals} $1 AND state ${equals} 'signed-in'`,
    ended: `SELECT body FROM ${schema}.events WHERE subject ${equals} $1 AND terminal AND at OPERATOR(pg_catalog.>=) $2
      ORDER BY at DESC, number DESC LIMIT $3`,
    page: `SELECT ${session} FROM ${schema}.sessions session WHERE id ${after} $1
        AND ($2::pg_catalog.text IS NULL OR state ${equals} $2) AND ($3::pg_catalog.text IS NULL OR kind ${equals} $3)
      ORDER BY id LIMIT $4`,
    /** Without those who have only begun sessions. */
    subjects: `SELECT pg_catalog.json_build_object(${subjectParts}) AS subject FROM ${schema}.subjects subject
      WHERE changed_at IS NOT NULL AND subject.subject ${after} $1 ORDER BY subject.subject LIMIT $2`,
    counters: `SELECT pg_catalog.json_agg(counter ORDER BY partition) AS counters FROM ${schema}.partitions`,
    beat: `SELECT * FROM ${schema}.beat($1, $2)`,
    notify: `SELECT ${schema}.tell($1, $2)`,
    events: `SELECT * FROM ${schema}.read_events($1, $2)`,
    weeks: `SELECT ${schema}.weeks($1)`,
    forget: `SELECT ${schema}.forget($1, $2) AS forgotten`,
    drop: `SELECT ${schema}.drop_weeks() AS dropped`,
  };
}
