/** A connection of its own that hears sharded channels; not connected yet. */
export interface Subscriber {
  connect(): Promise<unknown>;
  /** Rejects where another node has the channel. */
  subscribe(channel: string): Promise<unknown>;
  close(): void;
}

/**
 * Opens one made like a client, which never holds a process longer than that. `lost` is called, more than
 * once perhaps, when it may not hear any more; it is opened anew then, never by itself.
 */
export type OpenSubscriber = (heard: (text: string) => void, lost: () => void) => Subscriber;

/** The duplicate of a client or a sentinel of node-redis. */
interface NodeRedis {
  on(event: string, listener: () => void): unknown;
  connect(): Promise<unknown>;
  sSubscribe(channel: string, listener: (message: string) => unknown): Promise<unknown>;
  destroy(): unknown;
  /** A sentinel has none. */
  unref?(): void;
}

interface IoRedis {
  on(event: string, listener: (channel: string, message: string) => void): unknown;
  connect(): Promise<unknown>;
  ssubscribe(channel: string): Promise<unknown>;
  disconnect(): void;
  /** Once it is connected. */
  readonly stream?: { unref?(): unknown };
}

/** A client of the application that can be duplicated. */
interface Owner {
  duplicate(options?: object): object;
  readonly isOpen?: boolean;
  on(event: 'end', listener: () => void): unknown;
  off(event: 'end', listener: () => void): unknown;
}

const isOwner = (client: object): client is Owner => has(client, ['duplicate', 'on', 'off']);
const isNodeRedis = (client: object): client is NodeRedis => has(client, ['on', 'connect', 'sSubscribe', 'destroy']);
const isIoRedis = (client: object): client is IoRedis => has(client, ['on', 'connect', 'ssubscribe', 'disconnect']);

function has(client: object, names: readonly string[]): boolean {
  return names.every((name) => typeof Reflect.get(client, name) === 'function');
}

/** `null` where the client can make no connection that hears, as a pool of node-redis. */
export function subscriberOf(client: object): OpenSubscriber | null {
  if (!isOwner(client)) return null;
  if (isNodeRedis(client)) return nodeRedis(client);
  return isIoRedis(client) ? ioRedis(client) : null;
}

function nodeRedis(owner: Owner): OpenSubscriber {
  return (heard, lost) => {
    const client = owner.duplicate();
    if (!isNodeRedis(client) || owner.isOpen === false) throw new TypeError('the client cannot hear');
    for (const event of ['error', 'end', 'sharded-channel-moved']) client.on(event, lost);
    // A sentinel holds on to the process, so it goes with the application's own.
    owner.on('end', lost);
    client.unref?.();
    return {
      connect: () => client.connect(),
      subscribe: (channel) => client.sSubscribe(channel, heard),
      close() {
        owner.off('end', lost);
        // Throws where it is closed already; of a sentinel it is a promise.
        (async () => client.destroy())().catch(() => {});
      },
    };
  };
}

const ioRedisOptions = { lazyConnect: true, retryStrategy: () => null, enableOfflineQueue: true } as const;

function ioRedis(owner: Owner): OpenSubscriber {
  return (heard, lost) => {
    const client = owner.duplicate(ioRedisOptions);
    if (!isIoRedis(client)) throw new TypeError('the client cannot hear');
    let subscribing = 0;
    for (const event of ['error', 'close', 'end']) client.on(event, lost);
    client.on('smessage', (_channel, text) => heard(text));
    // It says so of each channel that it asks in vain for, too.
    client.on('moved', () => {
      if (subscribing === 0) lost();
    });
    return {
      async connect() {
        await client.connect();
        client.stream?.unref?.();
      },
      subscribe(channel) {
        subscribing += 1;
        return client.ssubscribe(channel).finally(() => {
          subscribing -= 1;
        });
      },
      close: () => client.disconnect(),
    };
  };
}
