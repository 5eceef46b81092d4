import assert from 'node:assert/strict';
import { browse } from './browsing.ts';
import {
  checkEnded,
  checkEvents,
  checkKept,
  checkLimit,
  checkRefused,
  checkSeen,
  type End,
  type Served,
} from './checker.ts';
import { Clients, wait } from './clients.ts';
import { Consumer, FleetNode } from './fleet.ts';
import { History } from './history.ts';
import { machineTime } from './machine.ts';
import type { Answer, Ask, NodeSettings, Reach, Report } from './protocol.ts';
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
  /** Nodes whose wall clock is wrong, by how many milliseconds. */
  readonly ahead?: Readonly<Record<number, number>>;
  /** A failover may lose events, which who reads them is told. */
  readonly mayLoseEvents?: boolean;
}

export interface Figures extends Served {
  readonly operations: number;
  readonly unknown: number;
  readonly sessions: number;
  /** Of them ended by the limit. */
  readonly limited: number;
  /** Times that who reads the events was told that its cursor is lost, and began again. */
  readonly cursorsLost: number;
  /** What the run took, in milliseconds. */
  readonly took: number;
}

/** Four nodes under load and faults for so long; then everything is looked at. Throws what it finds wrong. */
export async function run(plan: Plan, seconds: number, seed: number, say: (text: string) => void): Promise<Figures> {
  const settings = (node: number): NodeSettings => ({
    reach: plan.reach(node),
    bound,
    limit,
  });
  const nodes = Array.from({ length: nodeCount }, (_, node) => new FleetNode(settings(node), plan.ahead?.[node]));
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
    const begun = machineTime();
    const idle = await strike(plan, seconds, { nodes, consumer, wait }, history, say);
    await wait(after);
    await Promise.all([clients.finish(), load]);
    await clients.finish();
    const took = machineTime() - begun;
    checkAlive([...nodes, consumer]);
    const reports = await Promise.all(nodes.map(reportOf));
    const end = await look(nodes, history, plan);
    const served = checkEnded(history, end, plan.bound);
    checkRefused(history, end);
    checkSeen(history, plan.bound);
    checkKept(history, end);
    const limited = checkLimit(history, end, limit);
    await consumer.until(() => consumer.events.length >= end.events.length, 20_000);
    assert.ok(consumer.lost === 0 || plan.mayLoseEvents, 'the consumer’s cursor was lost');
    checkEvents(history, end, consumer.events);
    checkAlive([...nodes, consumer]);
    assert.deepEqual(idle, [], 'faults during which nobody asked anything');
    assert.ok(limited > 0, 'the limit was never reached');
    checkMet(reports, plan);
    const unknown = history.operations.filter(({ answer }) => answer.is === 'unknown');
    return {
      operations: history.operations.length,
      unknown: unknown.length,
      sessions: history.sessions.size,
      limited,
      cursorsLost: consumer.lost,
      took,
      ...served,
    };
  } finally {
    clients.stop();
    await Promise.all([...nodes.map((node) => node.kill()), consumer.kill()]);
  }
}

function checkAlive(processes: readonly { readonly crashes: number }[]): void {
  for (const { crashes } of processes) assert.equal(crashes, 0, 'a process ended of itself: it has said why');
}

export async function reportOf(node: FleetNode): Promise<Report> {
  const { answer } = await node.ask({ do: 'report' });
  assert.ok(answer.is === 'reported', JSON.stringify(answer));
  return answer;
}

/** What the run is about has happened: nodes served from memory, and those with a wrong clock have met the engine's. */
function checkMet(reports: readonly Report[], { ahead = {} }: Plan): void {
  for (const [node, { hits, warned }] of reports.entries()) {
    assert.ok(hits > 0, `node ${node} served nothing from memory`);
    if (ahead[node]) assert.ok(warned.includes('clock_skewed'), `node ${node} has not noticed its wrong clock`);
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
  const until = machineTime() + seconds * 1000;
  const idle = new Set<string>();
  for (let round = 0; round === 0 || machineTime() < until; round++) {
    for (const [name, fault] of Object.entries(round === 0 ? { ...faults, ...once } : faults)) {
      if (machineTime() >= until && round > 0) break;
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
  const until = machineTime() + 60_000;
  const sure = async (node: FleetNode, ask: Ask): Promise<Answer> => {
    for (;;) {
      const { answer } = await node.ask(ask);
      if (answer.is !== 'unknown' || machineTime() > until) return answer;
      await wait(50);
    }
  };
  const states = new Map<string, Answer[]>();
  for (const { id, token } of history.sessions.values()) {
    states.set(id, await Promise.all(nodes.map((node) => sure(node, { do: 'visit', token }))));
  }
  const lists = new Map<string, Answer>();
  for (const subject of new Set([...history.sessions.values()].map((known) => known.subject))) {
    const [first] = nodes;
    if (first) lists.set(subject, await sure(first, { do: 'list', subject }));
  }
  const reader = new Consumer({ reach: plan.reach(1), bound, limit });
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
  return { states, lists, events: reader.events };
}
