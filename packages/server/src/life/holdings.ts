import type { SessionSummary } from 'sojourn';
import type { Told } from '../events/feed.ts';
import { wordsOf } from '../events/words.ts';
import { type Html, html } from '../pages/html.ts';
import { clockTime, countdown, orLater, span } from '../pages/time.ts';
import { unbroken } from './own-cookie.ts';
import { ring } from './picture.ts';
import type { ClockFace, LifeView } from './view.ts';

/** The cookie, as far as it may be shown: its name, its public half, its attributes. */
export function browserSide({ browser }: LifeView): Html {
  return panel(
    'browser',
    'What the browser holds',
    browser === null
      ? html`<p class="none">No cookie of a session.</p>`
      : html`<dl class="facts">
${fact('Cookie', html`<code>${browser.name}</code>`)}
${fact('Value', html`<code class="token">${unbroken(browser.value)}</code>`)}
</dl>
<ul class="chips" aria-label="Attributes">${browser.attributes.map((attribute) => html`<li>${attribute}</li>`)}</ul>
<p class="soft">${
          browser.refused
            ? 'It still lies in the jar, and is refused whenever it comes.'
            : html`Id, full stop, secret. The cookie is HttpOnly: <span data-cookie-name="${browser.name}">no script of this page can read it</span>.`
        }</p>`,
  );
}

/** The record, and a hash in the secret's place. */
export function serverSide(view: LifeView): Html {
  const { record } = view;
  return panel(
    'server',
    html`What the server holds <small>times in UTC</small>`,
    record === null ? html`<p class="none">Nothing about this browser.</p>` : recordFacts(record, view),
  );
}

function recordFacts(record: SessionSummary, { hash, name }: LifeView): Html {
  const { id, subject, kind, permissions, factors, createdAt, signedInAt, ending, device } = record;
  return html`<dl class="facts">
${fact('Id', html`<code class="token">${id}</code>`)}
${fact('Secret', hash === null ? 'only its hash' : html`<code>SHA-256 ${hash}</code>`)}
${fact('Subject', subject === null ? 'nobody yet' : html`${name ? html`${name} ` : null}<code>${subject}</code>`)}
${fact('Kind', kind)}
${fact('Permissions', ending ? 'dropped at the end' : listed(permissions))}
${fact('Factors', factors.length === 0 ? 'none' : factors.map(({ method, at }) => html`<span>${method}, ${clockTime(at)}</span>`))}
${fact('Created', clockTime(createdAt))}
${signedInAt === null || signedInAt === createdAt ? null : fact('Signed in', clockTime(signedInAt))}
${fact('Last seen', html`${clockTime(record.lastSeenAt)}${orLater(record.lastSeenPrecision)}`)}
${ending ? fact('Ended', html`${clockTime(ending.at)} <code>${ending.reason}</code>`) : null}
${device ? fact('Device', html`${device.label}, ${device.address}`) : null}
</dl>`;
}

function listed(names: readonly string[]): Html | string {
  return names.length === 0 ? 'none' : html`${names.map((name) => html`<code>${name}</code> `)}`;
}

function fact(term: string, value: Html | string | readonly Html[]): Html {
  return html`<div><dt>${term}</dt><dd>${value}</dd></div>`;
}

export function clocks({ idle, absolute, now, position }: LifeView): Html {
  return panel(
    'clocks',
    'The two clocks',
    html`<div class="dials" data-now="${now}" data-idle-until="${idle?.until}" data-idle-span="${idle?.span}" data-absolute-until="${absolute?.until}" data-absolute-span="${absolute?.span}">
${dial('idle', 'Idle', idle, now, 'starts anew with each request')}
${dial('absolute', 'Absolute', absolute, now, 'never moves')}
</div>
<p class="soft">${
      position === 'expired' || position === 'terminated'
        ? 'They stopped when the session ended.'
        : 'Whichever runs out first ends the session.'
    }</p>`,
  );
}

function dial(clock: 'idle' | 'absolute', name: string, face: ClockFace | null, now: number, says: string): Html {
  return html`<div class="dial ${clock}"><svg viewBox="-44 -44 88 88" aria-hidden="true">${ring(38, clock, face, now)}</svg>
<div><h3>${name}</h3><p class="left" role="timer" aria-label="${name} clock" data-left="${clock}">${face ? countdown(face.until - now) : '–'}</p><p class="soft">${face ? html`of ${span(face.span)}, ${says}` : 'not running'}</p></div></div>`;
}

/** Events shown at most. */
const mostShown = 24;

/** Newest first. The list is a log: what comes is read out politely, and nothing already there moves. */
export function events({ events: told, cursor, record, position }: LifeView): Html {
  const live = position === 'anonymous' || position === 'signed-in';
  const newest = [...told]
    .sort((a, b) => a.at - b.at)
    .reverse()
    .slice(0, mostShown);
  return panel(
    'events',
    html`Events as they happen <small>UTC</small>`,
    html`<div role="log" aria-label="Events of this session"><ol class="events" data-session="${live ? record?.id : null}" data-after="${cursor}">${newest.map(eventItem)}</ol></div>
${newest.length === 0 ? html`<p class="none">Nothing has happened yet.</p>` : null}
<noscript><p class="soft">Without script, reload the page for what is new.</p></noscript>`,
  );
}

function eventItem(event: Told): Html {
  const { stage, says } = wordsOf(event);
  return html`<li class="${stage}" data-event="${event.at} ${event.type}">${clockTime(event.at)} <span>${says}</span></li>`;
}

function panel(part: string, heading: Html | string, content: Html): Html {
  return html`<section class="panel ${part}" aria-labelledby="${part}-heading" data-part="${part}"><h2 id="${part}-heading">${heading}</h2>
${content}</section>`;
}
