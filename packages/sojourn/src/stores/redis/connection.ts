import { invalid } from '../../lifecycle/errors.ts';
import {
  type IoRedisClient,
  infoOf,
  type NodeRedisClient,
  type NodeRedisCluster,
  type RedisClient,
  type Send,
} from './client.ts';
import { clusterTogether, ioredisTogether, nodeRedisTogether, sentinelTogether, type Together } from './together.ts';

/* What the clients of applications have in common. */

export interface Connection {
  readonly send: Send;
  /** `null`: we know of no pipelines of this client. */
  readonly together: Together | null;
  /** Keys of two partitions never meet in one script. */
  readonly cluster: boolean;
  /** Sentinels may put another primary in the place of this one. */
  readonly sentinel: boolean;
  /** Each primary by itself, to look at its settings. */
  primaries(): Promise<readonly Send[]>;
}

export function connectionOf(client: RedisClient): Connection {
  if ('call' in client) return ioredis(client);
  if ('masters' in client) return nodeRedisCluster(client);
  if (!('acquire' in client)) return single(withoutTimers(client), false, nodeRedisTogether(client));
  // Never a replica's answer: it may not have the ending yet.
  const send: Send = (command, ...args) => client.sendCommand(false, [command, ...args]);
  return single(send, true, sentinelTogether(client));
}

/** Unanswered commands from which on a connection may have stalled. */
const mostWithoutTimer = 1000;

/**
 * node-redis 6 makes a timer and a signal for each command, which give it up where it could not be written, and cost
 * more than the command. A connected client writes at once, and every call of a store has a deadline of its own: the
 * client's are left to what waits for a connection, or behind very many that are not answered.
 */
function withoutTimers(client: NodeRedisClient): Send {
  let unanswered = 0;
  return async (command, ...args) => {
    const writes = client.isReady === true && unanswered < mostWithoutTimer;
    unanswered += 1;
    try {
      return await client.sendCommand([command, ...args], writes ? { timeout: 0 } : undefined);
    } finally {
      unanswered -= 1;
    }
  };
}

function single(send: Send, sentinel: boolean, together: Together | null): Connection {
  return { send, together, cluster: false, sentinel, primaries: async () => [send] };
}

function ioredis(client: IoRedisClient): Connection {
  const sendTo =
    (node: IoRedisClient): Send =>
    (command, ...args) =>
      node.call(command, ...args);
  const send = sendTo(client);
  const together = ioredisTogether(client, send);
  const nodes = client.nodes?.bind(client);
  if (nodes === undefined) return single(send, hasSentinels(client.options), together);
  return { send, together, cluster: true, sentinel: false, primaries: async () => nodes('master').map(sendTo) };
}

/** Throws for what is no client, and for one that is set so that what was acknowledged would not be found. */
export function refuseUnfit(client: RedisClient, prefix: string): void {
  // `Object`: code without types passes an address, or nothing.
  if (!('call' in Object(client) || 'sendCommand' in Object(client))) {
    throw invalid('redis: pass a connected client, as await createClient({ url }).connect() of node-redis.');
  }
  if (readsReplicas(client)) {
    throw invalid("redis: use a cluster with scaleReads: 'master': a replica may not have an ending yet.");
  }
  // ioredis puts it before the keys of a command, but not before the names that a script is given otherwise.
  const options = 'call' in client ? client.options : undefined;
  const theirs = options && 'keyPrefix' in options && options.keyPrefix ? String(options.keyPrefix) : '';
  if (theirs === '') return;
  throw invalid(
    `redis: use a client without keyPrefix, which scripts do not know of, and prefix: '${theirs}${prefix}'.`,
  );
}

/** A cluster of ioredis that reads where nothing may have ended yet. */
function readsReplicas(client: RedisClient): boolean {
  const options = 'call' in client ? client.options : undefined;
  return options !== undefined && 'scaleReads' in options && options.scaleReads !== 'master';
}

/** ioredis gives every client the option, mostly as null. */
function hasSentinels(options: object = {}): boolean {
  return 'sentinels' in options && Array.isArray(options.sentinels);
}

function nodeRedisCluster(client: NodeRedisCluster): Connection {
  const send: Send = (command, ...args) => client.sendCommand(firstKey(command, args), false, [command, ...args]);
  return {
    send,
    together: clusterTogether(client, send),
    cluster: true,
    sentinel: false,
    async primaries() {
      const nodes = await Promise.all(client.masters.map((node) => client.nodeClient(node as never)));
      return nodes.map(
        (node) =>
          (command, ...args) =>
            node.sendCommand([command, ...args]),
      );
    },
  };
}

/** The key that says which node a command is for; none of those without keys. */
function firstKey(command: string, args: readonly string[]): string | undefined {
  if (command === 'TIME' || command === 'INFO') return undefined;
  return command === 'EVAL' || command === 'EVALSHA' ? args[2] : args[0];
}

/** The primaries that answered, each by a name that no other has had. */
export interface PrimariesSeen {
  readonly names: readonly string[];
  /** None was silent. */
  readonly all: boolean;
}

/** A server gets another name when it starts, and when it becomes primary. Rejects when none answers. */
export async function primariesSeen({ primaries }: Connection): Promise<PrimariesSeen> {
  const asked = (await primaries()).map(async (send) => {
    const info = infoOf(await send('INFO', 'server', 'replication'));
    return `${info.get('run_id')} ${info.get('master_replid')}`;
  });
  const names = await Promise.any(asked).then(() => Promise.allSettled(asked));
  const answered = names.flatMap((name) => (name.status === 'fulfilled' ? name.value : []));
  return { names: answered, all: answered.length === names.length };
}
