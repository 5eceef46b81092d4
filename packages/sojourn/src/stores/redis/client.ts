import { SojournError } from '../../lifecycle/errors.ts';

/** A client of node-redis (`createClient`) as far as sessions need it. */
export interface NodeRedisClient {
  sendCommand(args: string[], options?: { timeout?: number }): Promise<unknown>;
  /** Connected, so that a command is written at once. */
  readonly isReady?: boolean;
  multi?(): { addCommand(args: string[]): unknown; execAsPipeline(): Promise<unknown> };
}

/** The primary that the sentinels of node-redis name (`createSentinel`). */
export interface NodeRedisSentinel {
  acquire(): Promise<object>;
  multi(): { addCommand(isReadonly: boolean, args: string[]): unknown; execAsPipeline(): Promise<unknown> };
  sendCommand(isReadonly: boolean | undefined, args: string[]): Promise<unknown>;
}

/** A cluster of node-redis (`createCluster`). */
export interface NodeRedisCluster {
  readonly masters: readonly object[];
  nodeClient(node: never): NodeRedisClient | Promise<NodeRedisClient>;
  multi(key: string): {
    addCommand(firstKey: string, isReadonly: boolean, args: string[]): unknown;
    execAsPipeline(): Promise<unknown>;
  };
  sendCommand(firstKey: string | undefined, isReadonly: boolean | undefined, args: string[]): Promise<unknown>;
}

/** A client of ioredis, single, of a sentinel or of a cluster. */
export interface IoRedisClient {
  call(command: string, ...args: string[]): Promise<unknown>;
  pipeline?(commands: string[][]): { exec(): Promise<readonly [error: Error | null, answer: unknown][] | null> };
  /** Of a cluster. */
  nodes?(role: 'master'): readonly IoRedisClient[];
  /** `sentinels` of a client that asks them for the primary, and `keyPrefix`. */
  readonly options?: object;
}

/** The application's own client, connected; closed by the application. */
export type RedisClient = NodeRedisClient | NodeRedisSentinel | NodeRedisCluster | IoRedisClient;

/** One command and its answer. Commands that are sent in one turn travel together. */
export type Send = (command: string, ...args: string[]) => Promise<unknown>;

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
