import assert from 'node:assert/strict';
import { test } from 'node:test';
import { skipWithout } from '../stores/process.ts';
import { said, sentinelsOf } from '../stores/redis-sentinel.ts';
import { redisServer } from '../stores/redis-server.ts';
import { checkEnded, checkRefused } from './checker.ts';
import { Clients, wait } from './clients.ts';
import { FleetNode } from './fleet.ts';
import { History } from './history.ts';
import { Line } from './line.ts';
import { machineTime } from './machine.ts';
import type { NodeSettings, Reach } from './protocol.ts';

/*
 * A network split, with a primary on both sides: the former one with nodes 0 and 1, and the replica that the sentinels
 * put in its place, with nodes 2 and 3.
 */

const skip = process.env['REDIS_URL'] ? 'these tests stop their servers' : skipWithout('redis-server');
const bound = 1000;
/** `min-replicas-max-lag`, in milliseconds. */
const lag = 2000;
/** Redis counts the lag in whole seconds. */
const grain = 1000;

async function split(): Promise<{
  readonly oldSide: Reach;
  readonly newSide: Reach;
  /** What the former primary says, whoever else can reach it. */
  former(...command: string[]): Promise<string>;
  /** Nothing passes between the sides. Resolves when the other side has a primary of its own. */
  part(): Promise<void>;
  stop(): Promise<void>;
}> {
  const settings = ['--repl-diskless-sync-delay', '0'];
  const guarded = [...settings, '--min-replicas-to-write', '1', '--min-replicas-max-lag', String(lag / 1000)];
  const primary = await redisServer(...guarded);
  const at = Number(new URL(primary.url).port);
  // By this way the replica and the sentinels know the primary; its nodes and those of the other side have their own.
  const known = await Line.before(at);
  const theirs = await Line.before(at);
  const replica = await redisServer('--replicaof', '127.0.0.1', String(known.port), ...settings);
  while (!(await said(at, ['INFO', 'replication'])).includes('state=online'));
  const sentinels = await sentinelsOf(known.port);
  const asked = await Promise.all(sentinels.ports.map((port) => Line.before(port)));
  return {
    oldSide: { engine: 'sentinel', ports: asked.map(({ port }) => port), ways: { [known.port]: at }, replicas: 0 },
    newSide: { engine: 'sentinel', ports: sentinels.ports, ways: { [known.port]: theirs.port }, replicas: 0 },
    former: (...command) => said(at, command),
    async part() {
      for (const line of [known, ...asked]) line.way = 'silent';
      theirs.cut();
      const role = (): Promise<string> =>
        said(Number(new URL(replica.url).port), ['INFO', 'replication']).catch(() => 'not now');
      while (!(await role()).includes('role:master')) await wait(20);
    },
    async stop() {
      await sentinels.stop();
      for (const line of [known, theirs, ...asked]) await line.close();
      await replica.stop();
      await primary.stop();
    },
  };
}

test('G7: in a split with two primaries, what one side ended the other serves for the bound and the lag of replicas at most, and then says that it does not know [redis]', {
  skip,
}, async (t) => {
  const { oldSide, newSide, former, part, stop } = await split();
  const settings = (reach: Reach): NodeSettings => ({ reach, bound, limit: 5 });
  const nodes = [oldSide, oldSide, newSide, newSide].map((reach) => new FleetNode(settings(reach)));
  const history = new History();
  const clients = new Clients(nodes, history);
  const sure = async (id: string): Promise<void> => {
    while ((await clients.ask(2, { do: 'revoke', id })).is !== 'done') await wait(20);
  };
  try {
    await Promise.all(nodes.map((node) => node.start()));
    for (let subject = 0; subject < 12; subject++) await clients.ask(2, { do: 'signIn', subject: `u${subject}` });
    const sessions = [...history.sessions.values()];
    assert.equal(sessions.length, 12);
    const visit = (): void => {
      for (const node of nodes.keys()) {
        for (const { token } of sessions) void clients.ask(node, { do: 'visit', token });
      }
    };
    const visiting = (async () => {
      for (; !clients.over; await wait(50)) visit();
    })();
    await wait(1500);
    const parted = machineTime();
    await part();
    const promoted = machineTime();
    for (const { id } of sessions) await sure(id);
    await wait(bound + lag + 2 * grain);
    const silent = machineTime();
    await wait(500);
    await Promise.all([clients.finish(), visiting]);
    await clients.finish();

    const { ended, longestServed } = checkEnded(
      history,
      { events: [], states: new Map(), lists: new Map() },
      bound + lag + grain,
    );
    checkRefused(history, { events: [], states: new Map(), lists: new Map() });
    assert.equal(ended, sessions.length);
    const of = (side: readonly number[], from: number): Set<string> =>
      new Set(
        history.operations
          .filter(({ ask, node, begun }) => ask.do === 'visit' && side.includes(node) && begun > from)
          .map(({ answer }) => answer.is),
      );
    assert.ok(of([0, 1], parted).has('live'), 'the former side served on');
    assert.deepEqual([...of([0, 1], silent)], ['unknown']);
    assert.deepEqual([...of([2, 3], silent)], ['refused']);
    for (const { id } of sessions) {
      const record = await former('GET', `sojourn:{${id.charAt(0)}}:s:${id}`);
      assert.ok(record !== '' && !record.includes('administrator'), 'the former primary says that the session lives');
    }
    t.diagnostic(`promoted ${promoted - parted} ms after the split; served ${longestServed} ms after an end at most`);
  } finally {
    clients.stop();
    await Promise.all(nodes.map((node) => node.kill()));
    await stop();
  }
});
