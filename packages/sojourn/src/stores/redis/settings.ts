import { SojournError } from '../../lifecycle/errors.ts';
import type { StoreWarning } from '../../lifecycle/ports.ts';
import { infoOf, type Send } from './client.ts';
import type { Connection } from './connection.ts';
import type { WaitReplicas } from './together.ts';

/* What a server is set up to do, from INFO: managed servers have no CONFIG. */

export interface Allowed {
  readonly allowEviction: boolean;
  readonly allowNoAppendOnlyFile: boolean;
  readonly waitReplicas: WaitReplicas | null;
}

/** Throws `store_unusable` for a server that may forget sessions; answers what it cannot promise besides. */
export async function checkSettings(connection: Connection, allowed: Allowed): Promise<readonly StoreWarning[]> {
  const primaries = await connection.primaries();
  for (const primary of primaries) await checkServer(primary, connection.cluster, allowed);
  // A primary of a cluster that does not reach most of the others stops by itself.
  if (connection.cluster) return [];
  for (const primary of primaries) {
    if (!(await stopsWhenCutOff(primary, connection.sentinel || allowed.waitReplicas !== null))) {
      return [minReplicasUnset];
    }
  }
  return [];
}

async function checkServer(send: Send, cluster: boolean, allowed: Allowed): Promise<void> {
  const { allowEviction, allowNoAppendOnlyFile } = allowed;
  const [server, memory, persistence] = await Promise.all(
    ['server', 'memory', 'persistence'].map(async (section) => infoOf(await send('INFO', section))),
  );
  const version = server?.get('redis_version') ?? '';
  if (Number.parseInt(version, 10) < 7) throw unusable(`this is Redis ${version}; use 7 or newer, or Valkey 8`);
  // Two of three keys would be on servers that a plain client does not go to.
  if (!cluster && server?.get('redis_mode') === 'cluster') {
    throw unusable('this server is one of a Cluster. Use createCluster, or Cluster of ioredis');
  }
  const policy = memory?.get('maxmemory_policy') ?? 'noeviction';
  if (Number(memory?.get('maxmemory')) > 0 && policy !== 'noeviction' && !allowEviction) {
    throw unusable(`maxmemory-policy ${policy} may throw sessions away. Set noeviction, or allowEviction`);
  }
  if (persistence?.get('aof_enabled') !== '1' && !allowNoAppendOnlyFile) {
    throw unusable('a restart forgets what was acknowledged. Set appendonly yes, or allowNoAppendOnlyFile');
  }
}

function unusable(why: string): SojournError {
  return new SojournError('store_unusable', `redis: ${why}.`);
}

/** Whether nobody can take this primary's place, or it then takes no more writes. */
async function stopsWhenCutOff(send: Send, replaceable: boolean): Promise<boolean> {
  const replication = infoOf(await send('INFO', 'replication'));
  if (!replaceable && Number(replication.get('connected_slaves')) === 0) return true;
  // INFO counts the good replicas only where both settings are set.
  return replication.has('min_slaves_good_slaves');
}

const minReplicasUnset: StoreWarning = {
  code: 'min_replicas_unset',
  message:
    'redis: a primary that is cut off from its replicas goes on taking writes, which are lost later, and an ending is unknown beyond the cut. Set min-replicas-to-write and min-replicas-max-lag.',
};
