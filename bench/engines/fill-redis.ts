import { createClient } from 'redis';
import type { SessionRecord } from 'sojourn';
import { encodeSession } from '../../packages/sojourn/src/stores/redis/values.ts';
import { retention } from '../../packages/sojourn/src/stores/rows.ts';
import type { Batches } from './fill.ts';
import { eventOf } from './filled.ts';

const day = 86_400_000;
const perSession = 7;

/** What `commit` writes for a sign-in, of many at once. KEYS are two times, to spare a place in each session's. */
const script = `
for i = 1, #ARGV, ${perSession} do
  local prefix, id, subject, text, due, limit, body =
    ARGV[i], ARGV[i + 1], ARGV[i + 2], ARGV[i + 3], ARGV[i + 4], ARGV[i + 5], ARGV[i + 6]
  local counter = redis.call('HINCRBY', prefix .. 'n', 'counter', 1)
  local name = string.format('%.0f', counter)
  redis.call('SET', prefix .. 's:' .. id, text)
  redis.call('ZADD', prefix .. 'd', due, id)
  redis.call('ZADD', prefix .. 'l:' .. subject, limit, id)
  redis.call('ZADD', prefix .. 'e', name, name .. ':' .. body)
  redis.call('ZADD', prefix .. 'h:' .. subject, name, name)
  redis.call('PEXPIREAT', prefix .. 'h:' .. subject, KEYS[1])
  redis.call('SET', prefix .. 'u:' .. subject, string.format('%015.0f', counter))
  redis.call('PEXPIREAT', prefix .. 'u:' .. subject, KEYS[2])
end`;

export async function fillRedis(url: string, batches: Batches): Promise<void> {
  const client = await createClient({ url }).connect();
  const until = [String(Date.now() + retention + day), String(Date.now() + day)];
  let sent: Promise<unknown> = Promise.resolve();
  for (const records of batches) {
    const args = records.flatMap(argsOf);
    // The next batch is made while the server takes the last.
    await sent;
    sent = client.sendCommand(['EVAL', script, '2', ...until, ...args]);
  }
  await sent;
  await client.close();
}

function argsOf(record: SessionRecord): string[] {
  const { id, subject, lastSeenAt, idleTimeout, expiresAt } = record;
  const prefix = `sojourn:{${id.charAt(0)}}:`;
  const due = String(lastSeenAt + idleTimeout);
  const event = JSON.stringify(eventOf(record));
  return [prefix, id, subject ?? '', encodeSession(record), due, String(expiresAt), event];
}
