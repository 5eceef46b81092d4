import { html } from '../pages/html.ts';
import { type Bar, page } from '../pages/layout.ts';

export interface LifePage {
  readonly bar: Bar;
  readonly state: string;
  readonly id: string | null;
  readonly why: string | null;
}

export function lifePage({ bar, state, id, why }: LifePage): string {
  return page({
    title: 'The life of your session',
    bar,
    wide: true,
    main: html`<h1>The life of your session</h1>
<p>Your session is <strong>${state}</strong>${id ? html` (<code>${id}</code>)` : null}.</p>
${why ? html`<p class="notice">${why}</p>` : null}`,
  });
}
