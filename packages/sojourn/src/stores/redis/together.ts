import type { IoRedisClient, NodeRedisClient, NodeRedisCluster, NodeRedisSentinel, Send } from './client.ts';

/*
 * WAIT is about the writes of its own connection, so it has to follow the write on it. Sent apart, it may
 * go to another node of a cluster, or be sent again to another primary, which confirms what it never had:
 * so the two are one pipeline, which a client sends to one node and never in parts to two.
 */

/** Sends commands in one pipeline to the primary of a key and answers all; rejects as the first that fails. */
export type Together = (key: string, commands: readonly (readonly string[])[]) => Promise<readonly unknown[]>;

export interface WaitReplicas {
  readonly count: number;
  readonly timeout: number;
}

export function nodeRedisTogether(client: NodeRedisClient): Together | null {
  if (client.multi === undefined) return null;
  return async (_key, commands) => {
    const pipeline = client.multi?.();
    for (const command of commands) pipeline?.addCommand([...command]);
    return listed(await pipeline?.execAsPipeline());
  };
}

export function sentinelTogether(client: NodeRedisSentinel): Together {
  return async (_key, commands) => {
    const pipeline = client.multi();
    for (const command of commands) pipeline.addCommand(false, [...command]);
    return listed(await pipeline.execAsPipeline());
  };
}

export function clusterTogether(client: NodeRedisCluster, send: Send): Together {
  return following(send, async (key, commands) => {
    const pipeline = client.multi(key);
    for (const command of commands) pipeline.addCommand(key, false, [...command]);
    return listed(await pipeline.execAsPipeline());
  });
}

export function ioredisTogether(client: IoRedisClient, send: Send): Together | null {
  if (client.pipeline === undefined) return null;
  return following(send, async (_key, commands) => {
    // By the names of its methods.
    const lines = commands.map(([name = '', ...args]) => [name.toLowerCase(), ...args]);
    const answers = await client.pipeline?.(lines).exec();
    for (const [error] of answers ?? []) if (error) throw error;
    return (answers ?? []).map(([, answer]) => answer);
  });
}

/** How often a key is looked for where a node says that it is. */
const mostMoves = 5;

/** A pipeline is not sent on to where a node says that the key has moved: its client learns of it by a command of its own. */
function following(send: Send, together: Together): Together {
  return async (key, commands) => {
    for (let moves = 0; ; moves++) {
      try {
        return await together(key, commands);
      } catch (error) {
        if (moves === mostMoves || !(error instanceof Error) || !error.message.startsWith('MOVED ')) throw error;
        // What kind of key it is does not matter.
        await send('GET', key).catch(() => {});
      }
    }
  };
}

function listed(answers: unknown): readonly unknown[] {
  return Array.isArray(answers) ? answers : [];
}
