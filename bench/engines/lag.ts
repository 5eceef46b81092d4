import { setTimeout as after } from 'node:timers/promises';
import { type Node, shared } from './nodes.ts';

/*
 * How long an ended session is served elsewhere: each ending is told to all other nodes just before, which
 * hold the session in memory and look at it every millisecond until they refuse it. So a lag is up to that
 * millisecond too long, never too short.
 */

export interface LagOptions {
  readonly endings: number;
  readonly perSecond: number;
  /** Look-ups a second of each node meanwhile, a hundredth of them writes, over sessions of its own. */
  readonly load: number;
  /** Makes the names of the users. */
  readonly name: string;
}

/** Sessions end one by one on a site, not in bursts; two at once share the message to their node. */
const inBatch = 2;
const loadedSessions = 200;
/** Seconds of endings before those that count: an engine's first plans, and code that has not been compiled. */
const warmUp = 2;
/** No node may serve an ended session for so long: then something is broken, not slow. */
const patience = 15_000;

/** Of one ending, milliseconds from its acknowledgement. */
export interface Lag {
  /** Until the last of the other nodes answered that it has ended. */
  readonly refused: number;
  /** Until the last of them began a look-up that still found it live. */
  readonly served: number;
}

/** In the order of the endings. */
export async function lags(nodes: readonly Node[], options: LagOptions): Promise<Lag[]> {
  const { endings, perSecond, load, name } = options;
  const uncounted = warmUp * perSecond;
  const people = Array.from({ length: uncounted + endings }, (_, i) => `${name}-${i}`);
  const parts = shared(people, nodes.length);
  const signedIn = await Promise.all(nodes.map((node, i) => node.signIn(parts[i] ?? [], 16)));
  const tokens = signedIn.flatMap((one) => one.tokens);
  const others = await Promise.all(nodes.map((node, i) => node.signIn(own(name, i), 16)));
  await Promise.all(nodes.map((node) => node.hold(tokens)));
  await Promise.all(nodes.map((node, i) => node.load(others[i]?.tokens ?? [], load)));
  const begun = performance.now();
  for (let from = 0; from < tokens.length; from += inBatch) {
    await after(Math.max(0, begun + (from / perSecond) * 1000 - performance.now()));
    await endBatch(nodes, tokens.slice(from, from + inBatch), (from / inBatch) % nodes.length);
  }
  const found = await times(nodes);
  await Promise.all(nodes.map((node) => node.rest()));
  return tokens.slice(uncounted).map((token) => lagOf(token.split('.')[0] ?? '', found));
}

function own(name: string, node: number): string[] {
  return Array.from({ length: loadedSessions }, (_, i) => `${name}-load-${node}-${i}`);
}

async function endBatch(nodes: readonly Node[], tokens: readonly string[], ender: number): Promise<void> {
  await Promise.all(nodes.filter((_, i) => i !== ender).map((node) => node.watch(tokens)));
  await nodes[ender]?.endSessions(tokens.map((token) => token.split('.')[0] ?? ''));
}

interface Seen {
  readonly ended: ReadonlyMap<string, number>;
  readonly refused: readonly ReadonlyMap<string, number>[];
  readonly served: readonly ReadonlyMap<string, number>[];
}

async function times(nodes: readonly Node[]): Promise<Seen> {
  const until = performance.now() + patience;
  for (;;) {
    const all = await Promise.all(nodes.map((node) => node.times()));
    if (all.every(({ waiting }) => waiting === 0)) {
      return {
        ended: new Map(all.flatMap(({ ended }) => [...ended])),
        refused: all.map(({ refused }) => refused),
        served: all.map(({ served }) => served),
      };
    }
    if (performance.now() > until) throw new Error(`Ended sessions are still served after ${patience} ms.`);
    await after(100);
  }
}

/** A session that was refused before its ending was acknowledged has no lag. */
function lagOf(id: string, { ended, refused, served }: Seen): Lag {
  const at = ended.get(id) ?? Number.NaN;
  const latest = (seen: Seen['refused']): number => Math.max(0, ...seen.map((one) => (one.get(id) ?? at) - at));
  return { refused: latest(refused), served: latest(served) };
}

/** The value below which a share of all lies. */
export function quantile(values: readonly number[], share: number): number {
  const sorted = values.toSorted((a, b) => a - b);
  return sorted[Math.min(sorted.length - 1, Math.floor(share * sorted.length))] ?? Number.NaN;
}
