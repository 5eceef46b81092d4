import assert from 'node:assert/strict';
import { postgresServer } from '../stores/postgres-server.ts';
import { said, sentinelsOf } from '../stores/redis-sentinel.ts';
import { redisServer } from '../stores/redis-server.ts';
import { temporary } from '../temporary.ts';
import { clusterStage } from './cluster.ts';
import { Line } from './line.ts';
import { processes, type Staged } from './processes.ts';
import { bound, type Faults, reportOf, type Scene } from './run.ts';

/** What may happen on the way from node 2 to its engine. */
function way(line: Line): Faults {
  const during =
    (change: () => void) =>
    async ({ wait }: Scene) => {
      change();
      await wait(1500);
      line.way = 'open';
    };
  const stalled =
    (which: 'answers stalled' | 'commands stalled') =>
    async ({ nodes: [, , node], wait }: Scene) => {
      assert.ok(node);
      const failed = async (): Promise<number> => (await reportOf(node)).beatsFailed;
      const before = await failed();
      line.way = which;
      // Longer than a beat waits for its answer.
      await wait(2500);
      for (let left = 30; left > 0 && (await failed()) === before; left--) await wait(100);
      line.way = 'open';
      assert.notEqual(await failed(), before, 'no beat of the node failed');
    };
  return {
    'a cut between a node and its engine': during(() => line.cut()),
    'a delay between a node and its engine': during(() => {
      line.way = 'delayed';
    }),
    'answers stall': stalled('answers stalled'),
    'commands stall': stalled('commands stalled'),
  };
}

/** Nodes 0, 1 and 3 reach the engine directly. */
function through(line: Line, url: string): (node: number) => string {
  const far = new URL(url);
  far.port = String(line.port);
  return (node) => (node === 2 ? far.href : url);
}

async function sqliteStage(): Promise<Staged> {
  const path = temporary('sessions.db');
  // Every process asks the file itself, once in a millisecond.
  return { plan: { reach: () => ({ engine: 'sqlite', path }), faults: processes, bound: 1 }, stop: async () => {} };
}

async function redisStage(): Promise<Staged> {
  const server = await redisServer('--appendfsync', 'always');
  const line = await Line.before(Number(new URL(server.url).port));
  const url = through(line, server.url);
  const faults: Faults = {
    ...processes,
    ...way(line),
    'kill -9 and restart of Redis with its append-only file': () => server.restart('SIGKILL'),
  };
  return {
    plan: { reach: (node) => ({ engine: 'redis', url: url(node) }), faults, bound, ahead: { 3: 120_000 } },
    async stop() {
      await line.close();
      await server.stop();
    },
  };
}

async function sentinelStage(): Promise<Staged> {
  const settings = ['--repl-diskless-sync-delay', '0', '--appendfsync', 'always'];
  const guarded = [...settings, '--min-replicas-to-write', '1', '--min-replicas-max-lag', '2'];
  const primary = await redisServer(...guarded);
  const { port } = new URL(primary.url);
  const replica = await redisServer('--replicaof', '127.0.0.1', port, ...settings);
  while (!(await said(Number(port), ['INFO', 'replication'])).includes('state=online'));
  const sentinels = await sentinelsOf(Number(port));
  const single: Faults = {
    'a primary that is cut off from its replica, and still answers and publishes': async ({ wait }) => {
      replica.signal('SIGSTOP');
      // Past `min-replicas-max-lag`, from when on it takes no writes.
      await wait(4500);
      replica.signal('SIGCONT');
      await wait(1000);
    },
    'kill -9 of the primary, and the sentinels’ failover': async ({ wait }) => {
      await primary.stop('SIGKILL');
      const next = Number(new URL(replica.url).port);
      // The sentinels end the connections of the one that they promote.
      const role = (): Promise<string> => said(next, ['INFO', 'replication']).catch(() => 'not now');
      while (!(await role()).includes('role:master')) await wait(100);
      // There is no replica left to confirm.
      const back = await redisServer('--replicaof', '127.0.0.1', String(next), ...settings);
      others.push(back);
    },
  };
  const others: Awaited<ReturnType<typeof redisServer>>[] = [];
  return {
    plan: {
      reach: () => ({ engine: 'sentinel', ports: sentinels.ports }),
      faults: processes,
      once: single,
      mayLoseEvents: true,
      bound,
      ahead: { 3: -120_000 },
    },
    async stop() {
      await sentinels.stop();
      for (const server of [...others, replica, primary]) await server.stop();
    },
  };
}

async function postgresStage(): Promise<Staged> {
  const server = await postgresServer('max_connections=60');
  const line = await Line.before(server.port);
  const url = through(line, server.url);
  const faults: Faults = {
    ...processes,
    ...way(line),
    'restart of PostgreSQL': () => server.restart('SIGQUIT'),
  };
  return {
    plan: { reach: (node) => ({ engine: 'postgres', url: url(node) }), faults, bound, ahead: { 3: 120_000 } },
    async stop() {
      await line.close();
      await server.stop();
    },
  };
}

export interface Stage {
  readonly needs: readonly string[];
  open(): Promise<Staged>;
}

export const stages: Readonly<Record<string, Stage>> = {
  sqlite: { needs: [], open: sqliteStage },
  redis: { needs: ['redis-server'], open: redisStage },
  'redis sentinel': { needs: ['redis-server'], open: sentinelStage },
  'redis cluster': { needs: ['redis-server', 'redis-cli'], open: clusterStage },
  postgres: { needs: ['initdb', 'postgres'], open: postgresStage },
};
