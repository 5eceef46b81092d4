import { type Kept, table } from '../report.ts';
import { assumed, type Load, library, loadOf } from './load.ts';
import { type Measured, measuredOf } from './measured.ts';
import { type Beats, entriesOf, GB, heldBy, keptOf, missed, primariesOf, sum } from './primaries.ts';

/*
 * `docs/capacity.md`: each number stands in the results of `memory` and `growth`, is an assumption of
 * `load.ts`, or is worked out from those here, with the arithmetic beside it.
 */

const sizes = [100_000_000, 1_000_000_000];

/** Where a number comes from. */
type Kind = 'measured' | 'assumed' | 'the library’s' | 'worked out' | 'extrapolated';
type Step = readonly [what: string, arithmetic: string, value: string, kind: Kind];

function digits(value: number): string {
  const rounded = Math.abs(value) >= 100 ? Math.round(value) : Number(value.toPrecision(3));
  return rounded.toLocaleString('en', { maximumFractionDigits: 3 });
}

function bytes(value: number): string {
  if (value >= GB) return `${digits(value / GB)} GB`;
  return value >= 1e6 ? `${digits(value / 1e6)} MB` : `${digits(value)} bytes`;
}

function bits(bytesASecond: number): string {
  return `${digits((bytesASecond * 8) / 1e6)} Mbit/s`;
}

function steps(all: readonly Step[]): string {
  return table(['', 'arithmetic', '', 'is'], all);
}

export function capacityPage(memory: Kept, growth: Kept): string {
  const found = ['sqlite', 'redis', 'postgres'].map((engine) => measuredOf(engine, memory, growth));
  const networked = found.filter((one) => one !== null).filter(({ engine }) => engine !== 'sqlite');
  const sqlite = found.find((one) => one?.engine === 'sqlite') ?? null;
  return [
    '# Capacity',
    'What a hundred million and a billion live sessions would take. Written by `bench/readme.ts` from the results of `memory` and `growth` and from the assumptions below: no number here was typed in. Nothing of this size was run; the rows that say *extrapolated* take what was measured at a million sessions on one machine for what larger machines do with more.',
    `Measured ${growth.date.slice(0, 10)} on ${growth.machine.processor}, ${growth.machine.cores} cores, ${growth.machine.memory}, shared by the nodes, the engine and the load, so that a rate is rather too low than too high. [The growth](../bench/results/growth.svg) from ten thousand to a million sessions is what the extrapolation rests on; [the figures](../bench/README.md) are beside it.`,
    '## Measured, at a million sessions',
    measuredTable(networked, sqlite),
    '## Assumed',
    assumptions(),
    ...sizes.flatMap((sessions) => [
      `## ${sessions.toLocaleString('en')} sessions`,
      demand(loadOf(sessions)),
      ...networked.flatMap((one) => [`### On ${one.engine}`, engineOf(one, loadOf(sessions))]),
    ]),
    '## What this says',
    conclusions(networked, sqlite),
    '',
  ].join('\n\n');
}

function measuredTable(networked: readonly Measured[], sqlite: Measured | null): string {
  const all = [...(sqlite ? [sqlite] : []), ...networked];
  const row = (what: string, of: (one: Measured) => string): string[] => [what, ...all.map(of)];
  const heard = (of: (one: Measured) => number) => (one: Measured) => (one.engine === 'sqlite' ? '' : digits(of(one)));
  return table(
    ['', ...all.map(({ engine }) => engine)],
    [
      row('bytes a session in the engine', (one) => digits(one.bytesASession)),
      row('bytes an entry of the near cache', (one) => digits(one.bytesAnEntry)),
      row('bytes of an ended session’s tombstone', (one) => digits(one.tombstone)),
      row('bytes of the two events of a session', (one) => digits(one.events)),
      row('look-ups a second that ask the engine', (one) => digits(one.lookUps)),
      row('sign-ins a second', (one) => digits(one.signIns)),
      row('touches a second, in batches', (one) => digits(one.touches)),
      row(
        'heartbeats a second of a node',
        heard((one) => one.beats),
      ),
      row(
        'bytes of a heartbeat, both ways',
        heard((one) => one.beatBytes),
      ),
      row(
        'bytes of a change, to one node',
        heard((one) => one.changeBytes),
      ),
    ],
  );
}

function assumptions(): string {
  return table(
    ['', '', 'is'],
    [
      ['of all live sessions, in use at a time', `${digits(assumed.inUse * 100)} %`, 'assumed'],
      ['requests a minute of a session in use', digits(assumed.requestsAMinute), 'assumed'],
      ['hours from sign-in to ending', digits(library.lifeHours), 'the library’s'],
      ['requests a second of one node of the application', digits(assumed.requestsOfANode), 'assumed'],
      ['of a measured rate, planned with', `${digits(assumed.planned * 100)} %`, 'assumed'],
      ['memory of one Redis', `${digits(assumed.memoryGB)} GB`, 'assumed'],
      ['disk of one PostgreSQL', `${digits(assumed.diskGB)} GB`, 'assumed'],
      ['of either, for sessions', `${digits(assumed.forSessions * 100)} %`, 'assumed'],
      ['a tombstone stays', `${library.tombstoneHours} h`, 'the library’s'],
      ['events stay', `${library.eventDays} days`, 'the library’s'],
      ['a session in use is touched every', `${library.touchIntervalSeconds} s`, 'the library’s'],
      ['and rotated every', `${library.rotateEveryHours} h, by ${library.writesARotation} writes`, 'the library’s'],
      ['the near cache of one node', `${library.cacheMiB} MiB`, 'the library’s'],
    ],
  );
}

function demand(load: Load): string {
  const { sessions, inUse, requests, nodes, touches, signIns, rotations, changes } = load;
  const life = `${digits(library.lifeHours)} × 3,600`;
  return steps([
    ['sessions in use', `${digits(sessions)} × ${assumed.inUse}`, digits(inUse), 'worked out'],
    ['requests a second', `${digits(inUse)} × ${assumed.requestsAMinute} ÷ 60`, digits(requests), 'worked out'],
    [
      'nodes of the application',
      `${digits(requests)} ÷ ${digits(assumed.requestsOfANode)}`,
      digits(nodes),
      'worked out',
    ],
    ['touches a second', `${digits(inUse)} ÷ ${library.touchIntervalSeconds}`, digits(touches), 'worked out'],
    ['sign-ins a second, and as many endings', `${digits(sessions)} ÷ (${life})`, digits(signIns), 'worked out'],
    ['rotations a second', `${digits(inUse)} ÷ (${library.rotateEveryHours} × 3,600)`, digits(rotations), 'worked out'],
    [
      'changes a second',
      `2 × ${digits(signIns)} + ${library.writesARotation} × ${digits(rotations)}`,
      digits(changes),
      'worked out',
    ],
  ]);
}

function engineOf(one: Measured, load: Load): string {
  const { sessions, inUse, requests, nodes, touches, signIns, rotations, changes } = load;
  const entries = entriesOf(one);
  const primaries = primariesOf(one, load);
  const { beats } = primaries;
  const spread = missed(one, load);
  const perBeat = changes / library.partitions / one.beats;
  const held = heldBy(one);
  const kept = keptOf(one, load);
  const aBeat = one.engine === 'redis' ? one.lookUps : one.signIns;
  const plus = `${digits(touches)} ÷ ${digits(one.touches)} + ${digits(changes)} ÷ ${digits(one.signIns)} + ${digits(beats.asked)} ÷ ${digits(aBeat)}`;
  const work = (lookUps: number): string =>
    `(${digits(lookUps)} ÷ ${digits(one.lookUps)} + ${plus}) ÷ ${assumed.planned}`;
  return steps([
    ['live sessions', `${digits(sessions)} × ${digits(one.bytesASession)}`, bytes(kept.live), 'extrapolated'],
    [
      'tombstones',
      `${digits(signIns)} × ${library.tombstoneHours} × 3,600 × ${digits(one.tombstone)}`,
      bytes(kept.tombstones),
      'extrapolated',
    ],
    [
      'events (of a rotation half of what two take)',
      `(${digits(signIns)} + ${digits(rotations)} ÷ 2) × ${library.eventDays} × 86,400 × ${digits(one.events)}`,
      bytes(kept.events),
      'extrapolated',
    ],
    [
      `primaries for the ${one.engine === 'redis' ? 'memory' : 'disk'}`,
      `${digits(sum(kept) / GB)} GB ÷ ${digits(held)} GB`,
      digits(Math.ceil(primaries.memory)),
      'extrapolated',
    ],
    [
      'entries that a node’s cache holds',
      `${library.cacheMiB} MiB ÷ ${digits(one.bytesAnEntry)}`,
      digits(entries),
      'worked out',
    ],
    [
      'sessions in use to a node, if each keeps to one',
      `${digits(inUse)} ÷ ${digits(nodes)}`,
      digits(inUse / nodes),
      'worked out',
    ],
    [
      'look-ups that ask the engine, a second, if each keeps to one',
      'one for each change',
      digits(changes),
      'worked out',
    ],
    [
      'the same, if requests come to any node',
      `${digits(requests)} × (1 − ${digits(Math.min(entries, inUse))} ÷ ${digits(inUse)}) + ${digits(changes)}`,
      digits(spread),
      'worked out',
    ],
    ['heartbeats a second', `${digits(nodes)} × ${digits(one.beats)}`, digits(beats.heartbeats), 'extrapolated'],
    ...beatSteps(one, beats),
    ['primaries for the work, if each keeps to one', work(changes), digits(Math.ceil(primaries.work)), 'extrapolated'],
    ['the same, if requests come to any node', work(spread), digits(Math.ceil(primaries.spread)), 'extrapolated'],
    [
      `network for heartbeats${beats.scripts > beats.heartbeats ? `, at least: ${library.partitions} scripts have more words than one` : ''}`,
      `${digits(beats.heartbeats)} × ${digits(one.beatBytes)} bytes`,
      bits(beats.heartbeats * one.beatBytes),
      'extrapolated',
    ],
    [
      'network for changes',
      `${digits(nodes)} × ${digits(changes)} × ${digits(one.changeBytes)} bytes`,
      bits(nodes * changes * one.changeBytes),
      'extrapolated',
    ],
    [
      `changes of a partition between two heartbeats, of ${digits(library.changesKept)} that are kept`,
      `${digits(changes)} ÷ ${library.partitions} ÷ ${digits(one.beats)}`,
      digits(perBeat),
      'worked out',
    ],
  ]);
}

/** From heartbeats to what they ask of the engine. */
function beatSteps({ engine }: Measured, { heartbeats, scripts, commands, asked }: Beats): readonly Step[] {
  if (engine !== 'redis') return [['their writes, each counted as a sign-in', 'one each', digits(asked), 'assumed']];
  const inCluster: readonly Step[] = [
    [
      'their scripts: in a Cluster one for each partition',
      `${digits(heartbeats)} × ${library.partitions}`,
      digits(scripts),
      'worked out',
    ],
  ];
  return [
    ...(scripts > heartbeats ? inCluster : []),
    [
      'the commands in them, each counted as a look-up',
      `${digits(scripts)} × ${digits(commands)}`,
      digits(asked),
      'assumed',
    ],
  ];
}

function conclusions(networked: readonly Measured[], sqlite: Measured | null): string {
  const lines = networked.flatMap((one) => sizes.map((sessions) => verdict(one, loadOf(sessions))));
  const file = sqlite
    ? [
        `SQLite: a file of ${bytes(100_000_000 * sqlite.bytesASession)} at 100,000,000 sessions, on the one machine that serves them; past that machine, move to another engine.`,
      ]
    : [];
  const keep =
    'Let the balancer keep a session to one node (by its cookie): then the near cache answers, and the engine sees only changes and touches. Where requests come to any node, the cache of each is too small for what is in use, and the engine is asked as if there were none.';
  const beside =
    'Primaries are those that hold the sessions. Replicas, one of each at least where a failover is to lose little, are on top of them, and so is the memory that Redis takes while it rewrites its file.';
  return [...lines, beside, ...file, keep].map((line) => `- ${line}`).join('\n');
}

function verdict(one: Measured, load: Load): string {
  const { memory, work, beats } = primariesOf(one, load);
  const kept = keptOf(one, load);
  const share = `${digits((kept.events / sum(kept)) * 100)} % of ${bytes(sum(kept))} are the events of ${library.eventDays} days`;
  const primaries = Math.ceil(Math.max(memory, work));
  const perBeat = load.changes / library.partitions / one.beats;
  const room =
    one.engine === 'redis'
      ? primaries > library.partitions
        ? ` More than the ${library.partitions} partitions can be spread over: larger nodes, or several clusters, each for its part of the users.`
        : ''
      : primaries > 1
        ? ' One primary is all that a database has: so many databases, each for its part of the users, with nodes of its own.'
        : '';
  const ring =
    perBeat > library.changesKept
      ? ` More changes come between two heartbeats than are kept (${digits(perBeat)} of ${digits(library.changesKept)}): caches would empty themselves at every beat. Beat more often (a smaller \`bound\`), or split the users.`
      : '';
  const asked = ` Of the work, ${digits(beats.scripts)} ${one.engine === 'redis' ? 'scripts' : 'writes'} a second are heartbeats.`;
  return `${one.engine}, ${load.sessions.toLocaleString('en')} sessions: ${digits(primaries)} ${primaries === 1 ? 'primary' : 'primaries'} (${memory > work ? (one.engine === 'redis' ? 'for memory' : 'for disk') : 'for the work'}), if each session keeps to a node; ${share}.${asked}${room}${ring}`;
}
