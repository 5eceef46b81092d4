import { difference, type Figure, figure } from '../figures.ts';
import { Child, run } from '../process.ts';
import { counted } from '../processor-time.ts';
import type { Report, Row } from '../report.ts';
import type { Share } from './profile.ts';
import type { Step } from './steps.ts';

/*
 * What the library costs beside the store: the same route in front of a store that always finds the same
 * session, without sockets, less the bare route. Processes take turns, as in `route`.
 */

const frameworks = ['fastify', 'express', 'hono', 'node'] as const;
const roles = ['bare', 'least', 'sojourn'] as const;
const defaultRounds = 25;
const core = 0;
/** The library as TypeScript, so that a profile names its lines. */
const fromSource = ['--conditions=sojourn-source'];

interface Route {
  readonly framework: string;
  readonly role: string;
  readonly child: Child;
  readonly costs: number[];
}

async function costs(rounds: number): Promise<readonly Route[]> {
  const routes: Route[] = [];
  try {
    for (const framework of frameworks) {
      for (const role of roles) {
        const child = new Child({ file: 'overhead/costs.ts', args: [framework, role], core });
        routes.push({ framework, role, child, costs: [] });
        await child.next();
      }
    }
    for (let round = 0; round < rounds; round++) {
      for (const route of round % 2 === 0 ? routes : routes.toReversed()) {
        const { nanoseconds } = await route.child.ask<{ nanoseconds: number }>({});
        route.costs.push(nanoseconds);
      }
    }
    return routes;
  } finally {
    await Promise.all(routes.map(({ child }) => child.end()));
  }
}

function over(routes: readonly Route[], framework: string, role: string): Figure {
  const of = (wanted: string): Figure => {
    const found = routes.find((route) => route.framework === framework && route.role === wanted);
    return figure('ns', found?.costs ?? []);
  };
  return role === 'bare' ? of('bare') : difference(of(role), of('bare'));
}

export async function overhead({ rounds = defaultRounds }: { rounds?: number | undefined }): Promise<Report> {
  const routes = await costs(rounds);
  const steps = await run<Step[]>({ file: 'overhead/steps.ts', core, nodeOptions: fromSource });
  const shares = await run<Share[]>({ file: 'overhead/profile.ts', args: ['fastify'], core, nodeOptions: fromSource });
  const rows: Row[] = frameworks.flatMap((framework) => [
    { what: `${framework}, bare route`, figures: { 'ns a request': over(routes, framework, 'bare') } },
    { what: `${framework}, least by hand, over it`, figures: { 'ns a request': over(routes, framework, 'least') } },
    { what: `${framework}, sojourn, over it`, figures: { 'ns a request': over(routes, framework, 'sojourn') } },
  ]);
  return {
    rows: [
      ...rows,
      ...steps.map(({ what, rounds }) => ({
        what: `step: ${what}`,
        figures: { 'ns a request': figure('ns', rounds) },
      })),
      ...shares.map(({ where, nanoseconds }) => ({
        what: `profile, fastify: ${where}`,
        figures: { 'ns a request': figure('ns', [nanoseconds]) },
      })),
    ],
    targets: frameworks.map((framework) => ({
      what: `${framework}: cookie, hash, checks, hooks, headers`,
      wanted: 1200,
      bound: 'at most',
      unit: 'ns',
      measured: over(routes, framework, 'sojourn'),
    })),
    notes: [
      counted,
      'No sockets: Node’s own request and response objects, of which the answer’s bytes are never sent.',
      'A step is measured alone and hot; the steps do not add up to the whole, which also pays for garbage and cold caches.',
      'The profile is a sample: the self time of each function in ours less the same function’s in the bare route.',
    ],
    method: { rounds, 'requests a turn': 10_000 },
  };
}
