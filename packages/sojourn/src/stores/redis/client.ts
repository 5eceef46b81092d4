import { SojournError } from '../../lifecycle/errors.ts';

/** A client of node-redis (`createClient`) as far as sessions need it. */
export interface NodeRedisClient {
  sendCommand(args: string[]): Promise<unknown>;
}

/** The primary that the sentinels of node-redis name (`createSentinel`). */
export interface NodeRedisSentinel {
  acquire(): Promise<object>;
  sendCommand(isReadonly: boolean | undefined, args: string[]): Promise<unknown>;
}

/** A cluster of node-redis (`createCluster`). */
export interface NodeRedisCluster {
  readonly masters: readonly object[];
  nodeClient(node: never): NodeRedisClient | Promise<NodeRedisClient>;
  sendCommand(firstKey: string | undefined, isReadonly: boolean | undefined, args: string[]): Promise<unknown>;
}

/** A client of ioredis, single, of a sentinel or of a cluster. */
export interface IoRedisClient {
  call(command: string, ...args: string[]): Promise<unknown>;
  /** Of a cluster. */
  nodes?(role: 'master'): readonly IoRedisClient[];
  /** `sentinels` of a client that asks them for the primary. */
  readonly options?: object;
}

/** The application's own client, connected; closed by the application. */
export type RedisClient = NodeRedisClient | NodeRedisSentinel | NodeRedisCluster | IoRedisClient;

/** One command and its answer. Commands that are sent in one turn travel together. */
export type Send = (command: string, ...args: string[]) => Promise<unknown>;

export interface Connection {
  readonly send: Send;
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
  // Never a replica's answer: it may not have the ending yet.
  if ('acquire' in client) return single((command, ...args) => client.sendCommand(false, [command, ...args]), true);
  return single((command, ...args) => client.sendCommand([command, ...args]), false);
}

function single(send: Send, sentinel: boolean): Connection {
  return { send, cluster: false, sentinel, primaries: async () => [send] };
}

function ioredis(client: IoRedisClient): Connection {
  const sendTo =
    (node: IoRedisClient): Send =>
    (command, ...args) =>
      node.call(command, ...args);
  const send = sendTo(client);
  const nodes = client.nodes?.bind(client);
  if (nodes === undefined) return single(send, hasSentinels(client.options));
  return { send, cluster: true, sentinel: false, primaries: async () => nodes('master').map(sendTo) };
}

/** ioredis gives every client the option, mostly as null. */
function hasSentinels(options: object = {}): boolean {
  return 'sentinels' in options && Array.isArray(options.sentinels);
}

function nodeRedisCluster(client: NodeRedisCluster): Connection {
  return {
    send: (command, ...args) => client.sendCommand(firstKey(command, args), false, [command, ...args]),
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

export function textOf(answer: unknown): string | null {
  if (answer === null || answer === undefined) return null;
  return typeof answer === 'string' ? answer : String(answer);
}

export function listOf(answer: unknown): readonly (string | null)[] {
  if (Array.isArray(answer)) return answer.map(textOf);
  throw new SojournError('store_unavailable', 'redis answered something else than a list.');
}

/** `INFO` as pairs of name and value. */
export function infoOf(answer: unknown): ReadonlyMap<string, string> {
  const lines = (textOf(answer) ?? '').split('\r\n').filter((line) => line.includes(':'));
  return new Map(lines.map((line) => [line.slice(0, line.indexOf(':')), line.slice(line.indexOf(':') + 1)]));
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
