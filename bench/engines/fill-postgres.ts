import pg from 'pg';
import type { SessionRecord } from 'sojourn';
import { partitionOf } from '../../packages/sojourn/src/lifecycle/token.ts';
import { encodeRecord, recordFormat } from '../../packages/sojourn/src/stores/wire.ts';
import type { Batches } from './fill.ts';
import { eventOf } from './filled.ts';

/** What `commit` writes for a sign-in, of many at once. */
const statement = `WITH one AS MATERIALIZED (
    SELECT * FROM json_to_recordset($1::json) AS one(id text, record text, data text, version int, seen bigint,
      idle bigint, expires bigint, subject text, kind text, partition int, event text)
  ), made AS (
    INSERT INTO sojourn.sessions
      (id, record, format, data, version, last_seen_at, idle_timeout, expires_at, subject, state, kind, due_at)
    SELECT id, record, ${recordFormat}, data, version, seen, idle, expires, subject, 'signed-in', kind, seen + idle
    FROM one
  ), known AS (
    INSERT INTO sojourn.subjects (subject, stamp) SELECT subject, 1 FROM one
  ), counted AS (
    UPDATE sojourn.partitions SET counter = counter + added
    FROM (SELECT partition, count(*) AS added FROM one GROUP BY partition) more
    WHERE more.partition = partitions.partition RETURNING more.partition, counter - added AS before
  )
  INSERT INTO sojourn.events (partition, number, at, subject, terminal, body)
  SELECT partition, before + row_number() OVER (PARTITION BY partition), seen, subject, false, event
  FROM one JOIN counted USING (partition)`;

export async function fillPostgres(url: string, batches: Batches): Promise<void> {
  const client = new pg.Client({ connectionString: url });
  await client.connect();
  await client.query('SET synchronous_commit = off');
  await client.query('SELECT sojourn.weeks(NULL)');
  let sent: Promise<unknown> = Promise.resolve();
  for (const records of batches) {
    const rows = JSON.stringify(records.map(rowOf));
    // The next batch is made while the server takes the last.
    await sent;
    sent = client.query({ name: 'fill', text: statement, values: [rows] });
  }
  await sent;
  await client.query('VACUUM ANALYZE');
  await client.query('CHECKPOINT');
  await client.end();
}

function rowOf(record: SessionRecord): object {
  const { id, data, version, lastSeenAt: seen, idleTimeout: idle, expiresAt: expires, subject, kind } = record;
  const event = JSON.stringify(eventOf(record));
  const columns = { id, data, version, seen, idle, expires, subject, kind };
  return { ...columns, record: encodeRecord(record), event, partition: partitionOf(id) };
}
