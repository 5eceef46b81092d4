import { Session } from 'node:inspector/promises';
import { basename } from 'node:path';
import { tell } from '../process.ts';
import { allApps, type Listener } from './apps.ts';
import { stub } from './stub.ts';
import { timed } from './turns.ts';

/* Where the time goes: the processor's samples of the bare route and of ours, function by function. */

/** Nanoseconds a request that a function itself takes in ours, less what it takes in the bare route. */
export interface Share {
  readonly where: string;
  readonly nanoseconds: number;
}

const requests = 60_000;
const most = 24;
const samplingInterval = 100;

const found = stub();
const cookie = `__Host-sojourn=${found.token}`;
const framework = process.argv[2] ?? 'fastify';
const apps = (await allApps(found))[framework];
if (apps === undefined) throw new Error(`There are no routes in ${framework}.`);

async function sampled(listener: Listener): Promise<Map<string, number>> {
  await timed(listener, cookie, requests);
  found.freshen();
  const session = new Session();
  session.connect();
  await session.post('Profiler.enable');
  await session.post('Profiler.setSamplingInterval', { interval: samplingInterval });
  await session.post('Profiler.start');
  await timed(listener, cookie, requests);
  const { profile } = await session.post('Profiler.stop');
  session.disconnect();
  const own = new Map<number, number>();
  profile.samples?.forEach((node, index) => {
    own.set(node, (own.get(node) ?? 0) + (profile.timeDeltas?.[index] ?? 0));
  });
  const functions = new Map<string, number>();
  for (const { id, callFrame } of profile.nodes) {
    const { functionName, url, lineNumber } = callFrame;
    const place = url === '' ? '' : ` ${basename(url)}:${lineNumber + 1}`;
    const where = `${functionName || '(anonymous)'}${place}`;
    functions.set(where, (functions.get(where) ?? 0) + ((own.get(id) ?? 0) * 1000) / requests);
  }
  return functions;
}

const bare = await sampled(apps.bare);
const ours = await sampled(apps.sojourn);
const shares = [...ours]
  .map(([where, nanoseconds]): Share => ({ where, nanoseconds: nanoseconds - (bare.get(where) ?? 0) }))
  .sort((a, b) => b.nanoseconds - a.nanoseconds)
  .slice(0, most);
tell(shares);
