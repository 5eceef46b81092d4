import { execFileSync, spawn } from 'node:child_process';
import { once } from 'node:events';
import { postgresServer } from '../stores/postgres-server.ts';
import { needed } from '../stores/process.ts';
import { redisCluster } from '../stores/redis-cluster.ts';
import { said, sentinelsOf } from '../stores/redis-sentinel.ts';
import { redisServer } from '../stores/redis-server.ts';
import { temporary } from '../temporary.ts';
import { Line } from './line.ts';
import { bound, type Faults, type Plan, type Scene } from './run.ts';

export interface Staged {
  readonly plan: Plan;
  stop(): Promise<void>;
}

/** What may happen to processes, whatever the engine. */
const processes: Faults = {
  'kill -9 of a node': async ({ nodes, wait }) => {
    await nodes[0]?.kill();
    await wait(300);
    await nodes[0]?.start();
  },
  'a node is stopped and goes on': async ({ nodes, wait }) => {
    nodes[1]?.signal('SIGSTOP');
    await wait(bound + 1000);
    nodes[1]?.signal('SIGCONT');
  },
  'the consumer of the events crashes and resumes': async ({ consumer, wait }) => {
    await consumer.kill();
    await wait(300);
    await consumer.start();
  },
};

/** What may happen on the way from node 2 to its engine. */
function way(line: Line): Faults {
  const during =
    (change: () => void, milliseconds: number) =>
    async ({ wait }: Scene) => {
      change();
      await wait(milliseconds);
      line.way = 'open';
    };
  return {
    'a cut between a node and its engine': during(() => line.cut(), 1500),
    'a delay between a node and its engine': during(() => {
      line.way = 'delayed';
    }, 1500),
    'answers stall': during(() => {
      line.way = 'answers stalled';
    }, 2500),
    'commands stall': during(() => {
      line.way = 'commands stalled';
    }, 2500),
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
      bound,
      ahead: { 3: -120_000 },
    },
    async stop() {
      await sentinels.stop();
      for (const server of [...others, replica, primary]) await server.stop();
    },
  };
}

async function clusterStage(): Promise<Staged> {
  const cluster = await redisCluster();
  const [first = ''] = cluster.urls;
  const cli = (...args: string[]): string =>
    execFileSync(needed('redis-cli'), ['-p', new URL(first).port, ...args], { encoding: 'utf8' });
  /** Id and port of each primary that lives. */
  const primaries = (): (readonly [string, number])[] =>
    cli('CLUSTER', 'NODES')
      .split('\n')
      .filter((line) => line.includes('master') && !line.includes('fail'))
      .map((line) => {
        const [id = '', address = ''] = line.split(' ');
        return [id, Number(/:(\d+)@/.exec(address)?.[1])];
      });
  const lineOf = (port: number): string =>
    cli('CLUSTER', 'NODES')
      .split('\n')
      .find((line) => line.includes(`:${port}@`)) ?? 'fail';
  /** The clients, which are this process, go on meanwhile. */
  const managed = async (...args: string[]): Promise<boolean> => {
    const child = spawn(needed('redis-cli'), ['--cluster', ...args], { stdio: 'ignore', timeout: 30_000 });
    const [code] = await once(child, 'close');
    return code === 0;
  };
  const faults: Faults = {
    ...processes,
    'slots move to another primary': async ({ wait }) => {
      const [[from] = [''], [to] = ['']] = primaries();
      const host = new URL(first).host;
      const flags = ['--cluster-from', from, '--cluster-to', to, '--cluster-slots', '600', '--cluster-yes'];
      // Where a node takes the cluster for down in the middle, the slot that was on its way is put right first.
      while (!(await managed('reshard', host, ...flags))) {
        await wait(500);
        await managed('fix', host);
      }
    },
  };
  const single: Faults = {
    'kill -9 of a primary, and the cluster’s failover': async ({ wait }) => {
      // Each primary has one replica.
      const before = primaries();
      const victim = before.find(([, port]) => String(port) !== new URL(first).port)?.[1] ?? 0;
      await cluster.kill(victim);
      while (!cli('CLUSTER', 'INFO').includes('cluster_state:ok') || primaries().some(([, port]) => port === victim)) {
        await wait(100);
      }
      await cluster.revive(victim);
      // It has heard that it is a replica now.
      while (lineOf(victim).includes('fail')) await wait(100);
    },
  };
  return {
    plan: {
      reach: () => ({ engine: 'cluster', urls: cluster.urls }),
      faults,
      once: single,
      bound,
      ahead: { 3: 120_000 },
    },
    stop: () => cluster.stop(),
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
