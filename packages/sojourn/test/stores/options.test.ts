import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { PostgresClient } from '../../src/stores/postgres/postgres.ts';
import { postgres } from '../../src/stores/postgres/postgres.ts';
import type { RedisClient } from '../../src/stores/redis/client.ts';
import { redis } from '../../src/stores/redis/redis.ts';
import { sqlite } from '../../src/stores/sqlite/sqlite.ts';
import { code } from '../lab.ts';
import { temporary } from '../temporary.ts';

/* What an engine is given besides its connection is looked at before anything is asked of it. */

const asked: string[] = [];
const pool: PostgresClient = {
  async query({ text }) {
    asked.push(text);
    throw new Error('nobody is there');
  },
};
const client: RedisClient = {
  async sendCommand(command: string[]) {
    asked.push(command.join(' '));
    throw new Error('nobody is there');
  },
  multi: () => ({ addCommand: () => {}, execAsPipeline: async () => [] }),
};

const openings: Readonly<Record<string, (options: object) => unknown>> = {
  redis: (options) => redis(client, options),
  postgres: (options) => postgres(pool, options),
  sqlite: (options) => sqlite(temporary('options.db'), options),
};

const refused: readonly (readonly [engine: string, options: object, says: RegExp])[] = [
  ['redis', { waitreplicas: { count: 1, timeout: 500 } }, /redis\.waitreplicas is no option: use .*waitReplicas/],
  ['redis', { allowEviction: 'no' }, /redis\.allowEviction "no": use true or false/],
  ['redis', { allowNoAppendOnlyFile: 1 }, /use true or false/],
  ['redis', { subscribe: 'false' }, /use true or false/],
  ['redis', { waitReplicas: 1 }, /redis\.waitReplicas: give an object/],
  ['redis', { waitReplicas: { count: 1 } }, /redis\.waitReplicas\.timeout/],
  ['redis', { waitReplicas: { timeout: 500 } }, /redis\.waitReplicas\.count/],
  ['redis', { waitReplicas: { count: 0, timeout: 500 } }, /count 0: use a whole number from 1/],
  ['redis', { waitReplicas: { count: 1.5, timeout: 500 } }, /count 1\.5: use a whole number from 1/],
  ['redis', { waitReplicas: { count: 1, timeout: 0 } }, /timeout: 0\? Use whole milliseconds from 1/],
  ['redis', { waitReplicas: { count: 1, timeout: '5m' } }, /timeout 5 min: use 1 min at most/],
  ['redis', { waitReplicas: { count: 1, timeout: 500, most: 1 } }, /redis\.waitReplicas\.most is no option/],
  ['redis', { watchEvery: 0 }, /redis\.watchEvery: 0\?/],
  ['redis', { watchEvery: '30d' }, /redis\.watchEvery 30 d: use 1 h at most/],
  ['redis', { now: 5 }, /redis\.now 5: give a function/],
  ['postgres', { scheme: 'sessions' }, /postgres\.scheme is no option: use schema/],
  ['postgres', { prepare: 'false' }, /postgres\.prepare "false": use true or false/],
  ['postgres', { notify: 0 }, /postgres\.notify 0: use true or false/],
  ['postgres', { watchEvery: -1 }, /postgres\.watchEvery: -1\?/],
  ['postgres', { watchEvery: Number.NaN }, /postgres\.watchEvery/],
  ['sqlite', { busyTimeOut: 1 }, /sqlite\.busyTimeOut is no option: use now, busyTimeout/],
  ['sqlite', { busyTimeout: 0.5 }, /sqlite\.busyTimeout: 0\.5\?/],
];

for (const [engine, options, says] of refused) {
  test(`G16: ${JSON.stringify(options)} is refused with the fix [${engine}]`, async () => {
    const open = async (): Promise<unknown> => openings[engine]?.(options);
    await assert.rejects(open(), code('option_invalid'));
    await assert.rejects(open(), says);
    assert.deepEqual(asked, []);
  });
}

const noClients: readonly unknown[] = [undefined, null, 'redis://localhost', { url: 'x' }, Promise.resolve(client)];

test('G16: what is no client is refused with what to pass', async () => {
  for (const given of noClients) {
    await assert.rejects(Reflect.apply(redis, undefined, [given]), {
      code: 'option_invalid',
      message: /^redis: pass a connected client, as await createClient\(\{ url \}\)\.connect\(\)/,
    });
    await assert.rejects(Reflect.apply(postgres, undefined, [given]), {
      code: 'option_invalid',
      message: 'postgres: pass a pool, as new Pool({ connectionString }) of pg.',
    });
  }
});

test('a span may be given with its unit', async () => {
  const store = sqlite(temporary('units.db'), { busyTimeout: '2s' });
  await store.close();
  for (const open of [
    () => redis(client, { watchEvery: '100ms', waitReplicas: { count: 1, timeout: '1s' } }),
    () => postgres(pool, { watchEvery: '100ms' }),
  ]) {
    await assert.rejects(open(), code('store_unavailable'));
  }
});
