import assert from 'node:assert/strict';
import { browse, subjects } from './browsing.ts';
import { checkEnded, checkEvents, checkKept, checkLimit, checkSeen, type End, type Figures } from './checker.ts';
import { Clients, wait } from './clients.ts';
import { Consumer, FleetNode } from './fleet.ts';
import { History } from './history.ts';
import type { Answer, Ask, NodeSettings, Reach, ToldEvent } from './protocol.ts';
import { spy } from './spying.ts';

export const bound = 1000;
const limit = 5;
const browsers = 12;
const spies = 2;
const nodeCount = 4;
/** Until the nodes remember sessions, and after the last fault, in milliseconds. */
const before = 2000;
const after = 1000;

/** What a fault may do to the nodes; what it does to the engine it knows itself. */
export interface Scene {
  readonly nodes: readonly FleetNode[];
  readonly consumer: Consumer;
  wait(milliseconds: number): Promise<void>;
}

export type Faults = Readonly<Record<string, (scene: Scene) => Promise<void>>>;

export interface Plan {
  readonly reach: (node: number) => Reach;
  /** One after another, again and again until the time is over. */
  readonly faults: Faults;
  /** What can happen to the engine once: after the others, in the first round. */
  readonly once?: Faults;
  /** How long an ended session may be served after its end was acknowledged. */
  readonly bound: number;
  /** Nodes whose clock is wrong, by how much. */
  readonly ahead?: Readonly<Record<number, number>>;
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
  const history = new History();
  const consumer = new Consumer(settings(0), (event) => history.told(event));
  const clients = new Clients(nodes, history);
  try {
    await Promise.all([...nodes.map((node) => node.start()), consumer.start()]);
    const load = Promise.all([
      ...Array.from({ length: browsers }, (_, client) => browse(clients, seed * 1000 + client)),
      ...Array.from({ length: spies }, (_, client) => spy(clients, history, seed * 1000 + 500 + client, limit)),
    ]);
    await wait(before);
    const idle = await strike(plan, seconds, { nodes, consumer, wait }, history, say);
    await wait(after);
    await Promise.all([clients.finish(), load]);
    await clients.finish();
    const end = await look(nodes, history, plan);
    const { ended, longest } = checkEnded(history, end, plan.bound);
    checkSeen(history, plan.bound);
    checkKept(history, end);
    checkLimit(end, limit);
    const last = end.events.at(-1)?.cursor;
    if (last !== undefined) await consumer.until(() => consumer.events.length >= end.events.length, 20_000);
    checkEvents(history, end, consumer.lost === 0 ? consumer.events : end.events);
    assert.deepEqual(idle, [], 'faults during which nobody asked anything');
    const unknown = history.operations.filter(({ answer }) => answer.is === 'unknown');
    return {
      operations: history.operations.length,
      unknown: unknown.length,
      sessions: history.sessions.size,
      ended,
      longestServed: longest,
    };
  } finally {
    await Promise.all([...nodes.map((node) => node.kill()), consumer.kill()]);
  }
}

/** Every fault once at least, and again until the time is over. Answers those that met no load. */
async function strike(
  { faults, once = {} }: Plan,
  seconds: number,
  scene: Scene,
  history: History,
  say: (text: string) => void,
): Promise<readonly string[]> {
  const until = performance.now() + seconds * 1000;
  const idle = new Set<string>();
  for (let round = 0; round === 0 || performance.now() < until; round++) {
    for (const [name, fault] of Object.entries(round === 0 ? { ...faults, ...once } : faults)) {
      if (performance.now() >= until && round > 0) break;
      const { answered, operations } = history;
      const begun = operations.length;
      await fault(scene);
      say(`${name}: ${history.answered - answered} operations answered`);
      // While the whole engine is away, clients are told that nobody knows: that is load, too.
      if (operations.length === begun) idle.add(name);
      await wait(300);
    }
  }
  return [...idle];
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
