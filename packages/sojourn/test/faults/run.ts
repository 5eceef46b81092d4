import { seeded } from '../../src/stores/contract/subject.ts';
import { checkEnded, checkEvents, checkKept, checkLimit, type End, type Figures } from './checker.ts';
import { Consumer, FleetNode } from './fleet.ts';
import { History } from './history.ts';
import type { Answer, Ask, NodeSettings, Reach, ToldEvent } from './protocol.ts';

export const bound = 1000;
const limit = 5;
const clients = 12;
const subjects = 40;
const nodeCount = 4;

/** What a fault may do to the nodes; what it does to the engine it knows itself. */
export interface Scene {
  readonly nodes: readonly FleetNode[];
  readonly consumer: Consumer;
  wait(milliseconds: number): Promise<void>;
}

export interface Plan {
  readonly reach: (node: number) => Reach;
  /** One after another, again and again until the time is over. */
  readonly faults: Readonly<Record<string, (scene: Scene) => Promise<void>>>;
  /** How long an ended session may be served after its end was acknowledged. */
  readonly bound: number;
  /** Nodes whose clock is wrong, by how much. */
  readonly ahead?: Readonly<Record<number, number>>;
}

function wait(milliseconds: number): Promise<void> {
  return new Promise((resolve) => setTimeout(resolve, milliseconds));
}

/** Four nodes under load and faults for so long; then everything is looked at. Throws what it finds wrong. */
export async function run(plan: Plan, seconds: number, seed: number, say: (text: string) => void): Promise<Figures> {
  const settings = (node: number): NodeSettings => ({
    reach: plan.reach(node),
    bound,
    limit,
    ahead: plan.ahead?.[node] ?? 0,
  });
  const nodes = Array.from({ length: nodeCount }, (_, node) => new FleetNode(settings(node)));
  const consumer = new Consumer(settings(0));
  const history = new History();
  try {
    await Promise.all([...nodes.map((node) => node.start()), consumer.start()]);
    const until = performance.now() + seconds * 1000;
    const load = Array.from({ length: clients }, (_, client) => browse(nodes, history, seed * 1000 + client, until));
    const scene: Scene = { nodes, consumer, wait };
    for (let round = 0; performance.now() < until; round++) {
      for (const [name, fault] of Object.entries(plan.faults)) {
        if (performance.now() >= until && round > 0) break;
        say(`${name}, after ${history.operations.length} operations`);
        await fault(scene);
        await wait(300);
      }
    }
    await Promise.all(load);
    const end = await look(nodes, history, plan);
    const longestServed = checkEnded(history, plan.bound);
    checkKept(history, end);
    checkLimit(end, limit);
    const last = end.events.at(-1)?.cursor;
    if (last !== undefined) await consumer.until(() => consumer.events.length >= end.events.length, 20_000);
    checkEvents(history, end, consumer.lost === 0 ? consumer.events : end.events);
    const ended = [...history.sessions.values()].filter(({ endedBy }) => Number.isFinite(endedBy));
    const unknown = history.operations.filter(({ answer }) => answer.is === 'unknown');
    return {
      operations: history.operations.length,
      unknown: unknown.length,
      sessions: history.sessions.size,
      ended: ended.length,
      longestServed,
    };
  } finally {
    await Promise.all([...nodes.map((node) => node.kill()), consumer.kill()]);
  }
}

/** One client: signs in, comes back to any node, writes, signs out; also with tokens that have ended. */
async function browse(nodes: readonly FleetNode[], history: History, seed: number, until: number): Promise<void> {
  const random = seeded(seed);
  const pick = <T>(from: readonly T[]): T | undefined => from[Math.floor(random() * from.length)];
  const mine: { id: string; token: string; writes: number }[] = [];
  while (performance.now() < until) {
    const node = Math.floor(random() * nodes.length);
    const ask = next(random, pick(mine.slice(-12)), seed);
    const from = performance.now();
    const answer = (await nodes[node]?.ask(ask)) ?? { is: 'unknown', why: 'no such node' };
    history.add({ node, ask, from, to: performance.now(), answer });
    if (answer.is === 'signedIn') mine.push({ id: answer.id, token: answer.token, writes: 0 });
    // As clients do that are told to come again later.
    if (answer.is === 'unknown') await wait(20);
  }
}

function next(
  random: () => number,
  session: { id: string; token: string; writes: number } | undefined,
  seed: number,
): Ask {
  const dice = random();
  if (session === undefined || dice < 0.08) {
    return { do: 'signIn', subject: `u${Math.floor(random() * subjects)}` };
  }
  const { id, token } = session;
  if (dice < 0.12) return { do: 'signOut', token };
  if (dice < 0.14) return { do: 'revoke', id };
  if (dice < 0.3 && session.writes < 30) {
    session.writes += 1;
    return { do: 'write', token, key: `${seed}.${session.writes}` };
  }
  return { do: 'visit', token };
}

/** The end: every node is asked about every session until it can say, past the bound. */
async function look(nodes: readonly FleetNode[], history: History, plan: Plan): Promise<End> {
  await wait(plan.bound + 500);
  const sure = async (node: FleetNode, ask: Ask): Promise<Answer> => {
    for (;;) {
      const answer = await node.ask(ask);
      if (answer.is !== 'unknown') return answer;
      await wait(50);
    }
  };
  const states = new Map<string, Answer[]>();
  for (const { id, token } of history.sessions.values()) {
    states.set(id, await Promise.all(nodes.map((node) => sure(node, { do: 'visit', token }))));
  }
  const live = new Map<string, readonly string[]>();
  for (let subject = 0; subject < subjects; subject++) {
    const [first] = nodes;
    const answer = first && (await sure(first, { do: 'list', subject: `u${subject}` }));
    live.set(`u${subject}`, answer?.is === 'listed' ? answer.ids : []);
  }
  const reader = new Consumer({ reach: plan.reach(1), bound, limit, ahead: 0 });
  await reader.start();
  const enough = (): boolean => {
    const began = new Set(reader.events.filter(({ type }) => type === 'signed_in').map(({ sessionId }) => sessionId));
    const ended = new Set(reader.events.filter(({ reason }) => reason !== undefined).map(({ sessionId }) => sessionId));
    return [...states].every(
      ([id, answers]) => began.has(id) && (ended.has(id) || answers.every(({ is }) => is === 'live')),
    );
  };
  await reader.until(enough, 20_000);
  await reader.kill();
  const events: readonly ToldEvent[] = reader.events;
  return { states, live, events };
}
