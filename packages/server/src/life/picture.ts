import type { Stage } from '../events/words.ts';
import { type Html, html } from '../pages/html.ts';
import { across, down, type Layout, ways } from './layouts.ts';
import type { Position, Step } from './path.ts';
import type { ClockFace, LifeView } from './view.ts';

export const headings: Readonly<Record<Stage, string>> = {
  creation: 'Session creation',
  tracking: 'Session tracking',
  expiry: 'Session expiry',
  termination: 'Session termination',
};

/** The stage that each place belongs to. */
const stageOf: Readonly<Record<Position, Stage>> = {
  none: 'creation',
  anonymous: 'creation',
  'signed-in': 'tracking',
  expired: 'expiry',
  terminated: 'termination',
};

export const placeNames: Readonly<Record<Position, string>> = {
  none: 'no session',
  anonymous: 'anonymous',
  'signed-in': 'signed in',
  expired: 'expired',
  terminated: 'terminated',
};

type Drawn = Pick<LifeView, 'position' | 'path' | 'idle' | 'absolute' | 'now'>;

/** The four stages as one picture, drawn twice: side by side, and one under the other for narrow screens. */
export function picture(drawn: Drawn, description: string): Html {
  return html`${drawing(across, drawn, description)}${drawing(down, drawn, description)}`;
}

function drawing(layout: Layout, drawn: Drawn, description: string): Html {
  const { name, width, height, bands, places, flag } = layout;
  const { position, path } = drawn;
  const at = places[position];
  const taken = waysOf(path);
  return html`<svg class="map ${name}" viewBox="0 0 ${width} ${height}" role="group" aria-labelledby="map-title-${name}" aria-describedby="map-desc-${name}" data-map="${name}" data-position="${position}">
<title id="map-title-${name}">The four stages of a session’s life</title>
<desc id="map-desc-${name}">${description}</desc>
${stages.map((stage) => band(stage, bands[stage], stageOf[position] === stage))}
<g class="ways" aria-hidden="true">${ways.map((way) => html`<path class="way" data-way="${way}" data-taken="${taken.has(way) ? 'yes' : 'no'}" d="${layout.ways[way]}"/>`)}</g>
<g class="captions" aria-hidden="true">${layout.captions.map(({ text, x, y, anchor }) => html`<text x="${x}" y="${y}" text-anchor="${anchor}">${text}</text>`)}</g>
<g class="places" aria-hidden="true">${positions.map((one) => place(layout, one, drawn))}</g>
<g class="marker" data-marker="${position}" transform="translate(${at.x} ${at.y})" aria-hidden="true"><circle class="halo" r="17"/><circle class="dot" r="9"/><g class="flag" transform="translate(${flag.x} ${flag.y})"><rect class="pill" x="-19" y="-17" width="38" height="18" rx="9"/><text y="-4" text-anchor="middle">you</text></g></g>
</svg>`;
}

const stages: readonly Stage[] = ['creation', 'tracking', 'expiry', 'termination'];
const positions: readonly Position[] = ['none', 'anonymous', 'signed-in', 'expired', 'terminated'];

/** A stage, and the way to what can be done there. */
function band(stage: Stage, { x, y, width, height, heading }: Layout['bands'][Stage], present: boolean): Html {
  return html`<a href="#${stage}" class="band ${stage}" data-band="${stage}"${present ? html` data-present="yes" aria-current="step"` : null} aria-label="${headings[stage]}${present ? ', where your session is now' : ''}"><rect x="${x}" y="${y}" width="${width}" height="${height}" rx="12"/><rect class="edge" x="${x}" y="${y}" width="${width}" height="${height}" rx="12"/><text class="heading" x="${heading.x}" y="${heading.y}">${headings[stage]}</text></a>`;
}

function place(layout: Layout, position: Position, drawn: Drawn): Html {
  const { x, y } = layout.places[position];
  const label = layout.labels[position];
  const reached = position === 'none' || drawn.path.some((step) => step.position === position);
  return html`<g class="place ${stageOf[position]}" data-place="${position}" data-reached="${reached ? 'yes' : 'no'}"><g transform="translate(${x} ${y})">${shape(position, drawn)}</g><text class="label" x="${label.x}" y="${label.y}" text-anchor="${label.anchor}">${placeNames[position]}</text></g>`;
}

/** Each place has a shape of its own, so that colour is not all that tells them apart. */
function shape(position: Position, { idle, absolute, now }: Drawn): Html {
  switch (position) {
    case 'none':
      return html`<circle class="station open" r="8"/>`;
    case 'anonymous':
      return html`<circle class="station" r="10"/>`;
    case 'signed-in':
      return html`<circle class="turn" r="24"/><path class="turn-head" d="M19 -20l6 5 -8 3z"/><circle class="station" r="12"/>`;
    case 'expired':
      return html`<circle class="under" r="41"/>${ring(38, 'absolute', absolute, now)}${ring(29, 'idle', idle, now)}<circle class="station" r="12"/><path class="hands" d="M0 -6V0H5"/>`;
    case 'terminated':
      return html`<rect class="station" x="-12" y="-12" width="24" height="24" rx="5"/>`;
  }
}

/** What is left of a clock, as a ring that empties. A length of 100 is the whole span. */
export function ring(radius: number, clock: 'idle' | 'absolute', face: ClockFace | null, now: number): Html {
  const left = face ? Math.max(0, Math.min(100, ((face.until - now) / face.span) * 100)) : 0;
  return html`<circle class="ring-bed" r="${radius}"/><circle class="ring ${clock}" r="${radius}" pathLength="100" stroke-dasharray="${left.toFixed(2)} 100" transform="rotate(-90)" data-ring="${clock}"/>`;
}

/** The ways that the session went, from before its first visit to where it is. */
function waysOf(path: readonly Step[]): ReadonlySet<string> {
  const stops = ['none', ...path.map(({ position }) => position)];
  return new Set(stops.slice(1).map((to, index) => `${stops[index]} ${to}`));
}
