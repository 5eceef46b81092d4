import assert from 'node:assert/strict';
import { join } from 'node:path';
import { test } from 'node:test';
import { sqlite } from 'sojourn/sqlite';
import { Visitor } from '../../../../test/visitor.ts';
import { dataFolder, ServerProcess } from '../../test/process.ts';

const password = 'correct horse battery';
const rounds = 4;
const visitors = 4;

/** What a visitor was told: the id of a session of theirs, and whether it was signed out again. */
interface Said {
  readonly id: string;
  readonly out: boolean;
}

test(`G5: kill -9 loses no acknowledged sign-in and no acknowledged sign-out (${rounds} rounds)`, async (t) => {
  const data = dataFolder(t);
  let acknowledged = 0;
  for (let round = 0; round < rounds; round++) {
    const server = await ServerProcess.start(t, data, { SOJOURN_ADMIN_PASSWORD: password });
    const said: Said[] = [];
    const most = 2 + round * 3;
    const killAfter = (): void => {
      if (said.length >= most) server.signal('SIGKILL');
    };
    const lives = Array.from({ length: visitors }, () => liveUntilKilled(server.origin, said, killAfter));
    await Promise.all(lives);
    assert.equal(await server.ended(), 'SIGKILL');
    acknowledged += said.length;
    const store = sqlite(join(data, 'sessions.db'));
    for (const { id, out } of said) {
      const record = await store.find(id);
      assert.ok(record?.subject, `${id} was signed in`);
      if (out) assert.equal(record.ending?.reason, 'signed_out', `${id} was signed out`);
    }
    await store.close();
  }
  t.diagnostic(`${rounds} kills, ${acknowledged} acknowledged, none lost`);
  assert.ok(acknowledged >= rounds * 2);
});

/** Signs in, every other time out again, and so on, until there is no answer any more. */
async function liveUntilKilled(origin: string, said: Said[], acknowledged: () => void): Promise<void> {
  const visitor = new Visitor(origin);
  try {
    for (let turn = 0; ; turn++) {
      assert.equal((await visitor.post('/login', { username: 'admin', password })).status, 303);
      const id = [...visitor.jar.values()][0]?.split('.')[0] ?? '';
      said.push({ id, out: false });
      acknowledged();
      if (turn % 2 === 1) continue;
      assert.equal((await visitor.post('/logout')).status, 303);
      said.push({ id, out: true });
      acknowledged();
    }
  } catch (error) {
    // The connection went with the server. Anything else is a finding.
    if (error instanceof assert.AssertionError) throw error;
  }
}
