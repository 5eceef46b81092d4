import assert from 'node:assert/strict';
import { execFile, spawn } from 'node:child_process';
import { once } from 'node:events';
import { promisify } from 'node:util';
import { partitionOfSubject } from '../../src/stores/partition.ts';
import { Keys } from '../../src/stores/redis/keys.ts';
import { needed } from '../stores/process.ts';
import { redisCluster } from '../stores/redis-cluster.ts';
import { subjects } from './browsing.ts';
import { processes, type Staged } from './processes.ts';
import { bound, type Faults } from './run.ts';

interface Primary {
  readonly id: string;
  readonly port: number;
  /** In ascending order. */
  readonly slots: readonly number[];
}

/** Asks a cluster, while this process, which stamps the times, goes on. */
class Cli {
  readonly #host: string;

  constructor(url: string) {
    this.#host = new URL(url).host;
  }

  async ask(...args: string[]): Promise<string> {
    const { stdout } = await promisify(execFile)(needed('redis-cli'), ['-c', '-p', this.#port, ...args]);
    return stdout.trim();
  }

  /** Whether `redis-cli --cluster` did it. */
  async manage(what: 'reshard' | 'fix', ...args: string[]): Promise<boolean> {
    const given = ['--cluster', what, this.#host, ...args];
    const child = spawn(needed('redis-cli'), given, { stdio: 'ignore', timeout: 30_000 });
    const [code] = await once(child, 'close');
    return code === 0;
  }

  /** A line of each node that the cluster knows. */
  async nodes(): Promise<readonly string[]> {
    return (await this.ask('CLUSTER', 'NODES')).split('\n');
  }

  /** Those that live. */
  async primaries(): Promise<readonly Primary[]> {
    return (await this.nodes())
      .filter((line) => line.includes('master') && !line.includes('fail'))
      .map((line) => {
        const [id = '', address = '', , , , , , , ...ranges] = line.split(' ');
        return { id, port: Number(/:(\d+)@/.exec(address)?.[1]), slots: ranges.flatMap(slotsIn) };
      });
  }

  /** The slots of the partitions that the clients' subjects have sessions in. */
  async slotsInUse(): Promise<readonly number[]> {
    const keys = new Keys('sojourn');
    const partitions = new Set(Array.from({ length: subjects }, (_, subject) => partitionOfSubject(`u${subject}`)));
    const slots: number[] = [];
    for (const partition of partitions) {
      const key = keys.counts(partition);
      if ((await this.ask('EXISTS', key)) === '1') slots.push(Number(await this.ask('CLUSTER', 'KEYSLOT', key)));
    }
    return slots;
  }

  get #port(): string {
    return new URL(`redis://${this.#host}`).port;
  }
}

/** `0-5460` or `7`; what is in brackets is on its way. */
function slotsIn(range: string): number[] {
  const [, first, last = first] = /^(\d+)(?:-(\d+))?$/.exec(range) ?? [];
  if (first === undefined) return [];
  return Array.from({ length: Number(last) - Number(first) + 1 }, (_, i) => Number(first) + i);
}

/** The first slots of a primary move to another, one at least that holds a partition in use. */
async function moveSlots(cli: Cli, wait: (milliseconds: number) => Promise<void>): Promise<void> {
  const used = await cli.slotsInUse();
  const primaries = await cli.primaries();
  const [move] = primaries
    .flatMap((from) => used.map((slot) => ({ from, slot, before: from.slots.indexOf(slot) })))
    .filter(({ before }) => before !== -1)
    .sort((a, b) => a.before - b.before);
  assert.ok(move, 'no partition in use has a slot');
  const { from, slot, before } = move;
  const to = primaries.find(({ id }) => id !== from.id)?.id ?? '';
  const owner = async (): Promise<string | undefined> =>
    (await cli.primaries()).find(({ slots }) => slots.includes(slot))?.id;
  const count = Math.max(600, before + 1);
  const flags = ['--cluster-from', from.id, '--cluster-to', to, '--cluster-slots', String(count), '--cluster-yes'];
  // Where a node takes the cluster for down in the middle, the slot that was on its way is put right first.
  while (!(await cli.manage('reshard', ...flags))) {
    await wait(500);
    await cli.manage('fix');
  }
  for (let left = 50; left > 0 && (await owner()) !== to; left--) await wait(100);
  assert.equal(await owner(), to, `slot ${slot}, which holds a partition in use, has not moved`);
}

export async function clusterStage(): Promise<Staged> {
  const cluster = await redisCluster();
  const [first = ''] = cluster.urls;
  const cli = new Cli(first);
  const lineOf = async (port: number): Promise<string> =>
    (await cli.nodes()).find((line) => line.includes(`:${port}@`)) ?? 'fail';
  const faults: Faults = {
    ...processes,
    'slots of partitions in use move to another primary': ({ wait }) => moveSlots(cli, wait),
  };
  const single: Faults = {
    'kill -9 of a primary, and the cluster’s failover': async ({ wait }) => {
      // Each primary has one replica.
      const before = await cli.primaries();
      const victim = before.find(({ port }) => String(port) !== new URL(first).port)?.port ?? 0;
      await cluster.kill(victim);
      for (let over = false; !over; await wait(100)) {
        const healthy = (await cli.ask('CLUSTER', 'INFO')).includes('cluster_state:ok');
        over = healthy && (await cli.primaries()).every(({ port }) => port !== victim);
      }
      await cluster.revive(victim);
      // It has heard that it is a replica now.
      while ((await lineOf(victim)).includes('fail')) await wait(100);
    },
  };
  return {
    plan: {
      reach: () => ({ engine: 'cluster', urls: cluster.urls }),
      faults,
      once: single,
      mayLoseEvents: true,
      bound,
      ahead: { 3: 120_000 },
    },
    stop: () => cluster.stop(),
  };
}
