import { type Html, html } from './html.ts';

/** What every page shows around its content: who is signed in, and what is said once. */
export interface Frame {
  /** The path of the page, to mark it in the navigation. */
  readonly path: string;
  readonly name: string | null;
  /** Who really acts, in an impersonation. */
  readonly actor: string | null;
  readonly formToken: string | null;
  readonly message: string | null;
}

export interface PageOptions {
  readonly title: string;
  readonly frame: Frame;
  readonly main: Html;
  /** Stylesheets of `/assets` beside those of all pages. */
  readonly styles?: readonly string[];
  /** A browser module of `/assets`. */
  readonly script?: string;
  readonly wide?: boolean;
}

/** The frame of every page. Sign-out is on each of them while somebody is signed in (ASVS 7.4.4). */
export function page({ title, frame, main, styles = [], script, wide }: PageOptions): string {
  return `<!doctype html>\n${html`<html lang="en">
<head>
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<meta name="color-scheme" content="light dark">
<title>${title} · Sojourn</title>
<link rel="icon" href="/assets/icon.svg" type="image/svg+xml">
<link rel="stylesheet" href="/assets/tokens.css">
<link rel="stylesheet" href="/assets/pages.css">
${styles.map((style) => html`<link rel="stylesheet" href="/assets/${style}">\n`)}
${script ? html`<script type="module" src="/assets/${script}"></script>` : null}
</head>
<body>
<a class="skip" href="#main">Skip to content</a>
<header class="bar" data-part="bar">
<a class="brand" href="/"><img src="/assets/icon.svg" alt="" width="26" height="26">Sojourn</a>
<nav aria-label="Main">
${link('/', 'Life', frame)}
${frame.name === null ? link('/login', 'Sign in', frame) : signedInBar(frame, frame.name)}
</nav>
</header>
<main id="main" class="${wide ? 'wide' : 'narrow'}">
<div class="said" role="status" data-part="said">${frame.message ? notice(frame.message) : null}</div>
${main}
</main>
</body>
</html>`}`;
}

function link(path: string, text: Html | string, frame: Frame): Html {
  const here = frame.path === path || (path === '/' && /^\/(life\/|ended$)/.test(frame.path));
  return html`<a href="${path}"${here ? html` aria-current="page"` : null}>${text}</a>`;
}

function signedInBar(frame: Frame, name: string): Html {
  const { actor } = frame;
  const who = html`${name}${actor === null ? null : html` <small>(as seen by ${actor})</small>`}`;
  return html`${link('/account', who, frame)}
<form method="post" action="/logout">${formTokenField(frame.formToken)}<button class="quiet">Sign out</button></form>`;
}

export function notice(text: Html | string): Html {
  return html`<p class="notice">${text}</p>`;
}

export function problem(text: Html | string): Html {
  return html`<p class="notice bad" role="alert">${text}</p>`;
}

export function formTokenField(formToken: string | null): Html | null {
  return formToken === null ? null : html`<input type="hidden" name="form_token" value="${formToken}">`;
}
