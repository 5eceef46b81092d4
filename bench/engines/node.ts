import { createSessions, type Sessions, type SessionsOptions } from 'sojourn';
import { tell } from '../process.ts';
import { permissions } from '../route/people.ts';
import { Hand, signInWithoutRequest } from '../route/sign-in.ts';
import type { Asked, Looked, SignedIn, Sized, Times } from './asked.ts';
import { textOf, tokenOf } from './filled.ts';
import { openStore } from './store.ts';

/*
 * One node of an application: a process with its own connection to the engine, that does what the benchmark
 * asks, one thing after another, and beside it looks sessions up as its users would.
 */

type Data = { text?: string };

const url = process.argv[2] ?? '';
/** Tokens held at once while filled sessions are read, and sessions of one batch of touches. */
const inPart = 10_000;
const inTouch = 500;
const most = process.env['BENCH_LIMIT'];
const { store } = await openStore(url);
const sessions: Sessions<Data, string> = createSessions<Data, string>({
  store,
  sweepEvery: 'never',
  log: () => {},
  ...cacheOf(process.env['BENCH_CACHE']),
  ...(most === undefined ? {} : { policy: { limit: Number(most), onLimit: 'end-oldest' as const } }),
});

/** As it comes, none, or of so many bytes. */
function cacheOf(given: string | undefined): Pick<SessionsOptions, 'cache'> {
  if (given === undefined) return {};
  return { cache: given === 'off' ? false : { bytes: Number(given) } };
}

const ended = new Map<string, number>();
const refused = new Map<string, number>();
/** When the last look-up that was answered with the session was asked. */
const served = new Map<string, number>();
const looking = new Set<string>();
/** Looked at every millisecond until they are refused. */
const watched = new Map<string, string>();
let watches = false;
let stopLoad = (): void => {};

/** Milliseconds by a clock that all processes of the machine share. */
function elapsed(): number {
  return Number(process.hrtime.bigint()) / 1e6;
}

/** Runs `each` for every one, so many at once. */
async function pooled<T>(all: readonly T[], atOnce: number, each: (one: T) => Promise<void>): Promise<void> {
  let next = 0;
  const lane = async (): Promise<void> => {
    while (next < all.length) {
      const one = all[next++];
      if (one !== undefined) await each(one);
    }
  };
  await Promise.all(Array.from({ length: atOnce }, lane));
}

async function signIn({ subjects, atOnce, withText }: Asked & { do: 'signIn' }): Promise<SignedIn> {
  const latencies: number[] = [];
  const tokens: string[] = [];
  let failed = 0;
  const begun = performance.now();
  await pooled(subjects, atOnce, async (subject) => {
    const from = performance.now();
    try {
      const token = await signInWithoutRequest(sessions, subject, permissions);
      latencies.push(performance.now() - from);
      tokens.push(token);
      if (withText) await addText(token, tokens.length);
    } catch {
      failed += 1;
    }
  });
  return { tokens, milliseconds: performance.now() - begun, latencies, failed };
}

async function addText(token: string, number: number): Promise<void> {
  const session = await sessions.track(token, { carrier: new Hand() });
  await session.update((draft) => {
    draft.text = textOf(number);
  });
}

/** Without counting as use: what touches cost is measured by itself. */
async function mustLive(token: string): Promise<void> {
  const session = await sessions.track(token, { readOnly: true, passive: true });
  if (session.state !== 'signed-in') throw new Error(`A session is ${session.state} and was to be live.`);
}

/** At random, so many at once, for so long. */
async function lookUp({ tokens, atOnce, milliseconds }: Asked & { do: 'lookUp' }): Promise<Looked> {
  let count = 0;
  const begun = performance.now();
  const lane = async (): Promise<void> => {
    while (performance.now() - begun < milliseconds) {
      // Answers from memory do not wait: some at a time, so that beats are heard between.
      for (let i = 0; i < 16; i++) await mustLive(tokens[Math.floor(Math.random() * tokens.length)] ?? '');
      count += 16;
      await new Promise((resolve) => setImmediate(resolve));
    }
  };
  await Promise.all(Array.from({ length: atOnce }, lane));
  return { perSecond: (count / (performance.now() - begun)) * 1000 };
}

/** Filled sessions in their turn, in batches, for so long. */
async function touch({ from, to, milliseconds }: Asked & { do: 'touch' }): Promise<Looked> {
  const ids = Array.from({ length: to - from }, (_, i) => tokenOf(from + i).split('.')[0] ?? '');
  let count = 0;
  const begun = performance.now();
  while (performance.now() - begun < milliseconds) {
    const at = count % ids.length;
    const seenAt = store.now();
    await store.touch(ids.slice(at, at + inTouch).map((id) => ({ id, seenAt })));
    count += Math.min(inTouch, ids.length - at);
  }
  return { perSecond: (count / (performance.now() - begun)) * 1000 };
}

/** Look-ups at a steady rate and a write for every hundredth, beside what else is asked. */
function load({ tokens, perSecond }: Asked & { do: 'load' }): void {
  let done = 0;
  const begun = performance.now();
  const timer = setInterval(() => {
    const due = ((performance.now() - begun) / 1000) * perSecond;
    for (; done < due; done++) {
      const token = tokens[done % tokens.length] ?? '';
      (done % 100 === 0 ? addText(token, done) : mustLive(token)).catch(() => {});
    }
  }, 2);
  stopLoad = () => clearInterval(timer);
}

/** One look-up of a session at a time. */
async function look(id: string, token: string): Promise<void> {
  const asked = elapsed();
  looking.add(id);
  try {
    const session = await sessions.track(token, { readOnly: true });
    if (session.state === 'signed-in') {
      served.set(id, asked);
      return;
    }
    refused.set(id, elapsed());
    watched.delete(id);
  } finally {
    looking.delete(id);
  }
}

function watch(tokens: readonly string[]): void {
  for (const token of tokens) watched.set(token.split('.')[0] ?? '', token);
  if (watches) return;
  watches = true;
  setInterval(() => {
    for (const [id, token] of watched) if (!looking.has(id)) look(id, token).catch(() => {});
  }, 1);
}

function end(ids: readonly string[]): void {
  for (const id of ids) {
    sessions.terminate(id).then(
      (did) => did && ended.set(id, elapsed()),
      () => {},
    );
  }
}

async function answer(asked: Asked): Promise<object> {
  switch (asked.do) {
    case 'signIn':
      return signIn(asked);
    case 'hold':
      await pooled(asked.tokens, 32, mustLive);
      return {};
    case 'holdFilled':
      for (let i = 0; i < asked.count; i += inPart) {
        const tokens = Array.from({ length: Math.min(inPart, asked.count - i) }, (_, n) => tokenOf(i + n));
        await pooled(tokens, 64, mustLive);
      }
      return {};
    case 'touch':
      return touch(asked);
    case 'lookUp':
      return lookUp(asked);
    case 'load':
      load(asked);
      return {};
    case 'rest':
      stopLoad();
      return {};
    case 'watch':
      watch(asked.tokens);
      return {};
    case 'end':
      end(asked.ids);
      return {};
    case 'times':
      return { ended, refused, served, waiting: watched.size } satisfies Times;
    case 'endAll': {
      const begun = performance.now();
      const count = await sessions.terminateAll(asked.subject);
      return { count, milliseconds: performance.now() - begun };
    }
    case 'devices':
      return { live: (await sessions.list(asked.subject)).live.length };
    case 'size':
      return size();
  }
}

function size(): Sized {
  const { gc } = globalThis;
  const pauses = Array.from({ length: gc ? 5 : 0 }, () => {
    const begun = performance.now();
    gc?.();
    return performance.now() - begun;
  });
  const { rss, heapUsed, external } = process.memoryUsage();
  const { entries = 0, bytes = 0, beats = 0 } = sessions.counts.cache ?? {};
  return { rss, heap: heapUsed + external, pauses: pauses.slice(1), entries, estimated: bytes, beats };
}

process.on('message', (asked: Asked) => {
  answer(asked).then(tell, (error: unknown) => {
    console.error(error);
    process.exit(1);
  });
});
tell({ ready: true });
