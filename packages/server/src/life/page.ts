import { type Html, html } from '../pages/html.ts';
import { page } from '../pages/layout.ts';
import { clockTime } from '../pages/time.ts';
import { browserSide, clocks, events, serverSide } from './holdings.ts';
import type { Position, Step } from './path.ts';
import { picture, placeNames } from './picture.ts';
import { stageSections } from './stages.ts';
import type { LifeView } from './view.ts';

/** `GET /`: the life of the visitor's own session. Whole without script; `life.js` keeps it moving. */
export function lifePage(view: LifeView): string {
  return page({
    title: 'The life of your session',
    frame: view.frame,
    wide: true,
    styles: ['map.css', 'life.css', 'stages.css'],
    script: 'life.js',
    main: html`<div class="life" data-life>
<header class="lead"><h1>The life of your session</h1>
<div data-part="now">${presentState(view)}</div></header>
<figure class="picture">${picture(view, describe(view))}</figure>
<aside class="sides" aria-label="Who holds what">${clocks(view)}${browserSide(view)}${serverSide(view)}${events(view)}</aside>
${stageSections(view)}
</div>`,
  });
}

/** The picture in words, for who sees it and for who does not. */
function presentState(view: LifeView): Html {
  const { position, path, why } = view;
  return html`<p class="state" tabindex="-1"><strong>${presently[position]}</strong>${why ? html` ${why}` : null}</p>
<p class="path soft">${path.length === 0 ? 'It begins with a visit or a sign-in.' : html`The way here: ${path.map(step)} UTC.`}</p>`;
}

const presently: Readonly<Record<Position, string>> = {
  none: 'There is no session.',
  anonymous: 'Your session is anonymous.',
  'signed-in': 'Your session is signed in.',
  expired: 'Your session has expired.',
  terminated: 'Your session was terminated.',
};

function step({ position, at }: Step, index: number): Html {
  return html`${index > 0 ? ', then ' : null}${placeNames[position]} ${clockTime(at)}`;
}

function describe({ position, path, why }: LifeView): string {
  const way = path.map((one) => placeNames[one.position]).join(', then ');
  return `A map with four stages: creation, tracking, expiry and termination. ${presently[position]}${why ? ` ${why}` : ''}${way ? ` The way here: ${way}.` : ''}`;
}
