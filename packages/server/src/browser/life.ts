/// <reference lib="dom" />
/// <reference lib="dom.iterable" />

/*
 * Keeps the life page moving: forms are sent without leaving the page, the marker travels, the clocks
 * count down, and events arrive as they happen. The server draws everything; what is new is taken from
 * the page it answers with, part by part. Without this module the page works the same, a page at a time.
 */

type Clock = 'idle' | 'absolute';

interface Told {
  readonly type?: string;
  readonly at: number;
  readonly stage: string;
  readonly says: string;
  /** Of the last event: where the page after the end is. */
  readonly page?: string;
}

/** Why a page is asked for: something was pressed, the session ended, or only to see how things are. */
type Why = 'act' | 'end' | 'look';

const still = matchMedia('(prefers-reduced-motion: reduce)');
const clocks: readonly Clock[] = ['idle', 'absolute'];
/** What the server's clock is ahead of this one. */
let ahead = 0;
let limits: Partial<Record<Clock, { until: number; span: number }>> = {};
let stream: EventSource | null = null;
let followed: string | null = null;
let sending = false;

const noAnswer = 'The server did not answer. Try again in a moment.';

function part(name: string): HTMLElement | null {
  return document.querySelector<HTMLElement>(`[data-part="${name}"]`);
}

/* Forms */

document.addEventListener('submit', (event) => {
  const form = event.target;
  if (!(form instanceof HTMLFormElement) || !form.hasAttribute('data-live')) return;
  event.preventDefault();
  void send(form, event.submitter);
});

async function send(form: HTMLFormElement, submitter: HTMLElement | null): Promise<void> {
  if (sending) return;
  sending = true;
  const action = new URL(submitter?.getAttribute('formaction') ?? form.action, location.href);
  submitter?.setAttribute('aria-busy', 'true');
  try {
    const fields = new FormData(form, submitter);
    const body = new URLSearchParams([...fields].map(([name, value]): [string, string] => [name, String(value)]));
    await show(await fetch(action, { method: 'POST', body, headers: { accept: 'text/html' } }), 'act');
  } catch {
    say(noAnswer);
  } finally {
    submitter?.removeAttribute('aria-busy');
    sending = false;
  }
}

/** The page as it is now, without a visit: nothing is begun by it. */
async function refresh(path = '/', why: Why = 'look'): Promise<void> {
  try {
    await show(await fetch(path, { headers: { accept: 'text/html' } }), why);
  } catch {
    say(noAnswer);
  }
}

async function show(answer: Response, why: Why): Promise<void> {
  const text = await answer.text();
  const page = new DOMParser().parseFromString(text, 'text/html');
  if (page.querySelector('[data-life]') === null) {
    // Refused: the session ended before the form was sent, say. What is so now is asked for, and why is said.
    if (why === 'act') await refresh();
    say(titleOf(answer, text, page));
    return;
  }
  const focused = document.activeElement?.id;
  const moved = positionIn(page) !== positionIn(document);
  const begun = document.querySelector('.countdown') ? '#result' : '.countdown';
  travel(page);
  for (const next of page.querySelectorAll<HTMLElement>('[data-part]')) replace(next);
  if (focused && document.activeElement === document.body) refocus(focused);
  const news = document.getElementById('result') ?? document.querySelector(moved ? '.picture' : begun);
  if (why !== 'look' && !isWriting())
    news?.scrollIntoView({ block: 'nearest', behavior: still.matches ? 'auto' : 'smooth' });
  settle();
}

/** Somebody is filling a form in; the page does not move under their hands, unless they have sent it. */
function isWriting(): boolean {
  return !sending && document.activeElement instanceof HTMLInputElement;
}

function positionIn(page: Document): string | undefined {
  return page.querySelector<SVGElement>('[data-map]')?.dataset['position'];
}

/** What a refusal is called: the title of a problem, or the heading of a page. */
function titleOf(answer: Response, text: string, page: Document): string {
  const isProblem = /json/.test(answer.headers.get('content-type') ?? '');
  const title: unknown = isProblem ? JSON.parse(text).title : page.querySelector('h1')?.textContent;
  return `${typeof title === 'string' ? title : 'The server refused this'}.`;
}

/** Back to the button that was pressed; where it has no more to do, to what is said of the session now. */
function refocus(id: string): void {
  document.getElementById(id)?.focus({ preventScroll: true });
  if (document.activeElement === document.body) {
    document.querySelector<HTMLElement>('.state')?.focus({ preventScroll: true });
  }
}

/** Takes one part of the new page over, unless it is the same or somebody is writing in it. */
function replace(next: HTMLElement): void {
  const present = part(next.dataset['part'] ?? '');
  if (present === null || present.innerHTML === next.innerHTML) return;
  const writing = document.activeElement instanceof HTMLInputElement && present.contains(document.activeElement);
  if (writing && !sending) return;
  present.className = next.className;
  present.replaceChildren(...next.childNodes);
}

function say(text: string): void {
  const said = document.createElement('p');
  said.className = 'notice';
  said.textContent = text;
  part('said')?.replaceChildren(said);
}

/* The picture */

/** Moves the marker along the way that is drawn between the two places, then takes over the rest. */
function travel(page: Document): void {
  for (const map of document.querySelectorAll<SVGSVGElement>('[data-map]')) {
    const next = page.querySelector<SVGSVGElement>(`[data-map="${map.dataset['map']}"]`);
    const marker = map.querySelector<SVGGElement>('[data-marker]');
    const goal = next?.querySelector<SVGGElement>('[data-marker]');
    if (!next || !marker || !goal) continue;
    const [from = '', to = ''] = [marker.dataset['marker'], goal.dataset['marker']];
    const steps = from === to ? [] : along(map, from, to);
    map.dataset['position'] = next.dataset['position'] ?? '';
    marker.dataset['marker'] = to;
    marker.setAttribute('transform', goal.getAttribute('transform') ?? '');
    if (!still.matches) marker.animate(steps, { duration: 900, easing: 'cubic-bezier(.45,0,.2,1)' });
    for (const selector of ['[data-way]', '[data-place]', '[data-band]', 'desc']) copyState(map, next, selector);
  }
}

function along(map: SVGSVGElement, from: string, to: string): Keyframe[] {
  const path = map.querySelector<SVGPathElement>(`[data-way="${from} ${to}"]`);
  const marker = map.querySelector<SVGGElement>('[data-marker]');
  if (path === null || marker === null) return [];
  const length = path.getTotalLength();
  return Array.from({ length: 25 }, (_, step) => {
    const { x, y } = path.getPointAtLength((length * step) / 24);
    return { transform: `translate(${x}px, ${y}px)` };
  });
}

function copyState(map: SVGSVGElement, next: SVGSVGElement, selector: string): void {
  const old = [...map.querySelectorAll<SVGElement>(selector)];
  for (const [index, element] of [...next.querySelectorAll<SVGElement>(selector)].entries()) {
    const present = old[index];
    if (present === undefined) continue;
    for (const name of ['data-taken', 'data-reached', 'data-present', 'aria-current', 'aria-label']) {
      const value = element.getAttribute(name);
      if (value === null) present.removeAttribute(name);
      else present.setAttribute(name, value);
    }
    if (selector === 'desc') present.textContent = element.textContent;
  }
}

/* The clocks */

/** Takes the limits from the page and compares the server's clock with this one. */
function readLimits(): void {
  const dials = document.querySelector<HTMLElement>('[data-now]');
  if (dials === null) return;
  ahead = Number(dials.dataset['now']) - Date.now();
  limits = {};
  for (const clock of clocks) {
    const [until, span] = [Number(dials.dataset[`${clock}Until`]), Number(dials.dataset[`${clock}Span`])];
    if (until > 0) limits[clock] = { until, span };
  }
  tick();
}

function tick(): void {
  for (const clock of clocks) {
    const limit = limits[clock];
    const left = limit ? Math.max(0, limit.until - Date.now() - ahead) : 0;
    const share = limit ? Math.min(100, (left / limit.span) * 100) : 0;
    for (const ring of document.querySelectorAll(`[data-ring="${clock}"]`)) {
      ring.setAttribute('stroke-dasharray', `${share.toFixed(2)} 100`);
      ring.classList.toggle('low', limit !== undefined && left < 10_000);
    }
    if (limit === undefined) continue;
    for (const text of document.querySelectorAll(`[data-left="${clock}"]`)) text.textContent = countdown(left);
  }
}

function countdown(left: number): string {
  const seconds = Math.ceil(left / 1000);
  const two = (value: number): string => String(value).padStart(2, '0');
  const [days, hours] = [Math.floor(seconds / 86_400), Math.floor(seconds / 3600) % 24];
  const rest = `${two(Math.floor(seconds / 60) % 60)}:${two(seconds % 60)}`;
  if (days > 0) return `${days} d ${hours}:${rest}`;
  return hours > 0 ? `${hours}:${rest}` : rest.replace(/^0/, '');
}

/* The events */

/** Follows the session that the page shows, from where the page's list ends. */
function follow(): void {
  const list = document.querySelector<HTMLElement>('[data-after]');
  const session = list?.dataset['session'] || null;
  if (session === followed) return;
  stream?.close();
  stream = null;
  followed = session;
  if (list === null || session === null) return;
  const opened = new EventSource(`/session/events?after=${encodeURIComponent(list.dataset['after'] ?? '')}`);
  opened.addEventListener('message', ({ data }) => add(JSON.parse(data)));
  opened.addEventListener('lost', () => void refresh());
  // The browser tries again by itself unless it was refused: then the session may be another by now.
  opened.addEventListener('error', () => {
    if (opened.readyState !== EventSource.CLOSED || opened !== stream) return;
    [stream, followed] = [null, null];
    setTimeout(() => void refresh(), 5000);
  });
  opened.addEventListener('limits', ({ data }) => {
    const { idleUntil, expiresAt } = JSON.parse(data);
    if (limits.idle) limits.idle = { ...limits.idle, until: idleUntil };
    if (limits.absolute) limits.absolute = { ...limits.absolute, until: expiresAt };
  });
  opened.addEventListener('ended', ({ data }) => void ended(opened, JSON.parse(data)));
  stream = opened;
}

/** The last event: what this tab did itself is shown by the answer to it; else the page is asked for. */
async function ended(from: EventSource, told: Told): Promise<void> {
  from.close();
  limits = {};
  if (sending || from !== stream) return;
  stream = null;
  followed = null;
  await refresh(told.page, 'end');
  add(told);
  say(told.says);
}

function add({ type, at, stage, says }: Told): void {
  const list = document.querySelector<HTMLElement>('[data-after]');
  if (list === null) return;
  // The last event of all names no type; the list may have it from the page already.
  const key = type === undefined ? `${at}` : `${at} ${type}`;
  if (list.querySelector(`[data-event^="${key}"]`)) return;
  const item = document.createElement('li');
  item.className = `${stage} new`;
  item.dataset['event'] = key;
  const time = document.createElement('time');
  time.dateTime = new Date(at).toISOString();
  time.textContent = time.dateTime.slice(11, 19);
  const text = document.createElement('span');
  text.textContent = says;
  item.append(time, ' ', text);
  list.prepend(item);
  part('events')?.querySelector('.none')?.remove();
}

/** Proof by trying: what `document.cookie` gives a script of this very page. */
function tryCookie(): void {
  const claim = document.querySelector<HTMLElement>('[data-cookie-name]');
  if (claim === null) return;
  const seen = document.cookie.includes(`${claim.dataset['cookieName']}=`);
  claim.textContent = seen
    ? 'a script can read it: this is a defect'
    : 'a script of this page looked for it just now and saw nothing';
}

/** After each new page: its clocks, its session, its cookie. */
function settle(): void {
  readLimits();
  follow();
  tryCookie();
}

settle();
setInterval(tick, 250);
// A page that comes back out of the browser's memory shows what was.
addEventListener('pageshow', ({ persisted }) => {
  if (persisted) void refresh();
});
