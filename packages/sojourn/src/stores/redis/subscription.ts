import { setTimeout as after } from 'node:timers/promises';
import { type Hear, whenOver } from '../announcements.ts';
import type { NodeRedisCluster, RedisClient } from './client.ts';
import { type OpenSubscriber, subscriberOf } from './subscriber.ts';

/** A node that is not there, or does not take its channels, within this time is left out for now. */
const longestWait = 2000;
/** While some channels are not heard, all is subscribed anew after this long. */
const renewAfter = 5000;
/**
 * Channels subscribed together. V8 takes what outlives a young collection a hundred times for long-lived: where one
 * found 64 of them on their way, each answer of a busy HTTP server was made in old memory from then on, and each
 * request took half as long again.
 */
const lot = 8;

/** Hears sharded channels, each from the primary that has it. `null` where the client cannot be duplicated. */
export function subscription(client: RedisClient, channels: readonly string[]): Hear | null {
  const primaries = subscribersOf(client);
  if (primaries === null) return null;
  return async (heard, attempt) => {
    const opening = (await primaries()).map((open) => subscribed(open, channels, heard, attempt));
    const taken = (await Promise.allSettled(opening)).flatMap((one) => (one.status === 'fulfilled' ? one.value : []));
    if (taken.length === 0) throw new Error('no primary takes subscriptions');
    if (taken.length < channels.length) setTimeout(() => attempt.abort(), renewAfter).unref();
  };
}

/** How each primary is heard. */
function subscribersOf(client: RedisClient): (() => Promise<readonly OpenSubscriber[]>) | null {
  if ('masters' in client) return () => ofCluster(client);
  if ('nodes' in client && client.nodes) {
    const nodes = client.nodes.bind(client);
    return async () => nodes('master').flatMap((node) => subscriberOf(node) ?? []);
  }
  const one = subscriberOf(client);
  return one && (async () => [one]);
}

async function ofCluster(client: NodeRedisCluster): Promise<readonly OpenSubscriber[]> {
  const late = after(longestWait, null, { ref: false });
  const nodes = await Promise.allSettled(
    client.masters.map((node) => Promise.race([client.nodeClient(node as never), late])),
  );
  return nodes.flatMap((node) => (node.status === 'fulfilled' && node.value && subscriberOf(node.value)) || []);
}

/** The channels that this one has. Once it has some, all is over when it is lost. */
async function subscribed(
  open: OpenSubscriber,
  channels: readonly string[],
  heard: (text: string) => void,
  attempt: AbortController,
): Promise<readonly string[]> {
  const broken = Promise.withResolvers<never>();
  let lost = (): void => broken.reject(new Error('lost before it stood'));
  const subscriber = open(heard, () => lost());
  whenOver(attempt.signal, () => subscriber.close());
  const taking = async (): Promise<readonly string[]> => {
    await subscriber.connect();
    // Closed while it connected, it would stay open.
    if (attempt.signal.aborted) subscriber.close();
    const taken: string[] = [];
    for (let at = 0; at < channels.length; at += lot) {
      const some = channels.slice(at, at + lot);
      const answers = await Promise.allSettled(some.map((channel) => subscriber.subscribe(channel)));
      taken.push(...some.filter((_, i) => answers[i]?.status === 'fulfilled'));
    }
    return taken;
  };
  const late = after(longestWait, [], { ref: false });
  try {
    const taken = await Promise.race([taking(), broken.promise, late]);
    lost = taken.length === 0 ? () => {} : () => attempt.abort();
    if (taken.length === 0) subscriber.close();
    return taken;
  } catch (error) {
    subscriber.close();
    throw error;
  }
}
