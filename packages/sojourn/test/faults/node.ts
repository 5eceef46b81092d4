import { Redis } from 'ioredis';
import pg from 'pg';
import { createClient, createCluster } from 'redis';
import { isError, isRefusal, SojournError } from '../../src/lifecycle/errors.ts';
import type { Store } from '../../src/lifecycle/ports.ts';
import type { Session } from '../../src/session.ts';
import { createSessions, type Sessions } from '../../src/sessions.ts';
import { postgres } from '../../src/stores/postgres/postgres.ts';
import { redis } from '../../src/stores/redis/redis.ts';
import { sqlite } from '../../src/stores/sqlite/sqlite.ts';
import { machineTime } from './machine.ts';
import type { Answer, Ask, FromNode, NodeSettings, Reach } from './protocol.ts';

/*
 * One server process of a fault history, as an application has it but for HTTP. Its parent is the clients.
 */

type Data = { keys: string[] };

const settings: NodeSettings = JSON.parse(process.argv[2] ?? '');

function say(message: FromNode): void {
  process.send?.(message);
}

/** An engine that is away when the node starts is asked again, as a supervisor would start it again. */
async function opened(open: () => Promise<Store>): Promise<Store> {
  for (;;) {
    try {
      return await open();
    } catch (error) {
      if (!(error instanceof SojournError)) throw error;
      await new Promise((resolve) => setTimeout(resolve, 100));
    }
  }
}

function opening(reach: Reach): Promise<Store> {
  // Told by the calls that fail.
  const quiet = (): void => {};
  switch (reach.engine) {
    case 'sqlite':
      return opened(async () => sqlite(reach.path));
    case 'redis': {
      const client = createClient({ url: reach.url, socket: { reconnectStrategy: 50 } }).on('error', quiet);
      void client.connect().catch(quiet);
      return opened(() => redis(client));
    }
    case 'sentinel': {
      const sentinels = reach.ports.map((port) => ({ host: '127.0.0.1', port }));
      const natMap = Object.fromEntries(
        Object.entries(reach.ways ?? {}).map(([port, way]) => [`127.0.0.1:${port}`, { host: '127.0.0.1', port: way }]),
      );
      const given = { name: 'main', sentinels, natMap, updateSentinels: reach.ways === undefined };
      const client = new Redis({ ...given, retryStrategy: () => 50 }).on('error', quiet);
      const { replicas: count = 1 } = reach;
      return opened(() => redis(client, count === 0 ? {} : { waitReplicas: { count, timeout: 1000 } }));
    }
    case 'cluster': {
      const rootNodes = reach.urls.map((url) => ({ url }));
      const client = createCluster({ rootNodes, defaults: { socket: { reconnectStrategy: 50 } } }).on('error', quiet);
      return client.connect().then(() => opened(() => redis(client, { waitReplicas: { count: 1, timeout: 1000 } })));
    }
    case 'postgres': {
      const pool = new pg.Pool({
        connectionString: reach.url,
        max: 6,
        connectionTimeoutMillis: 1500,
        query_timeout: 1800,
        keepAlive: true,
      });
      pool.on('error', quiet);
      return opened(() => postgres(pool));
    }
  }
}

/** One request: its cookie in, its answer's cookie out. */
async function request(
  sessions: Sessions<Data, string>,
  token: string | null,
): Promise<{ session: Session<Data, string>; issued: () => string }> {
  let issued = '';
  const session = await sessions.track(token, {
    readOnly: true,
    carrier: {
      begin: () => () => {},
      issue: (given) => {
        issued = given.reveal();
      },
      clear: () => {},
      device: () => undefined,
      body: () => Promise.reject(new Error('no body')),
      address: null,
    },
  });
  return { session, issued: () => issued };
}

async function answer(sessions: Sessions<Data, string>, ask: Ask): Promise<Answer> {
  if (ask.do === 'report') {
    const { hits = 0, beatsFailed = 0 } = sessions.counts.cache ?? {};
    return { is: 'reported', hits, beatsFailed, warned: [...warned] };
  }
  if (ask.do === 'list') {
    return { is: 'listed', ids: (await sessions.list(ask.subject)).live.map(({ id }) => id) };
  }
  if (ask.do === 'revoke') {
    await sessions.terminate(ask.id, { reason: 'administrator', by: 'root' });
    return { is: 'done' };
  }
  const { session, issued } = await request(sessions, ask.do === 'signIn' ? null : ask.token);
  if (ask.do === 'signIn') {
    await session.signIn(ask.subject, { factor: 'password' });
    return { is: 'signedIn', id: session.id ?? '', token: issued() };
  }
  if (session.state !== 'signed-in') return { is: 'refused', code: session.refused?.code ?? 'none' };
  if (ask.do === 'visit') return { is: 'live', keys: session.data.keys ?? [] };
  if (ask.do === 'signOut') await session.terminate();
  else {
    await session.update((draft) => {
      draft.keys = [...(draft.keys ?? []), ask.key];
    });
  }
  return { is: 'done' };
}

const warned = new Set<string>();
const store = await opening(settings.reach);
const sessions = createSessions<Data>({
  store,
  cache: { bound: settings.bound },
  sweepEvery: 5000,
  policy: { limit: settings.limit, kinds: { standard: { idle: '10m', touchInterval: '1s' } } },
  log: ({ level, code }) => {
    if (level === 'warn') warned.add(code);
  },
});

process.on('message', ({ call, ask }: { call: number; ask: Ask }) => {
  const begun = machineTime();
  // Anything else that is thrown is a defect: the process ends of it, and the run fails.
  void answer(sessions, ask)
    .catch((error: unknown): Answer => {
      if (isError(error, 'store_unavailable')) return { is: 'unknown', why: String(error) };
      if (isRefusal(error)) return { is: 'refused', code: error.code };
      throw error;
    })
    .then((answered) => say({ call, answer: answered, begun, decided: machineTime() }));
});
// Its parent has gone.
process.on('disconnect', () => process.exit());
say({ ready: true });

if (settings.follow) {
  for (let { after } = settings.follow; ; ) {
    try {
      for await (const event of sessions.events(after === null ? {} : { after })) {
        after = event.cursor;
        const { cursor, type, at, sessionId, subject, reason } = event;
        say({ event: { cursor, type, at, sessionId, subject, reason } });
      }
    } catch (error) {
      if (!(error instanceof SojournError)) throw error;
      if (error.code === 'cursor_lost') {
        say({ lost: error.message });
        after = null;
      }
      await new Promise((resolve) => setTimeout(resolve, 100));
    }
  }
}
