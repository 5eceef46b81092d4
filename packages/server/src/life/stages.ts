import type { Stage } from '../events/words.ts';
import { type Html, html } from '../pages/html.ts';
import { formTokenField, problem } from '../pages/layout.ts';
import { countdown } from '../pages/time.ts';
import { copyPath } from './copy.ts';
import { headings } from './picture.ts';
import { trialResult } from './trial.ts';
import type { LifeView } from './view.ts';

/** The four stages in words, each with what can be done there and how to try to break it. */
export function stageSections(view: LifeView): Html {
  const { trial } = view;
  return html`<div class="stages">${creation(view)}${tracking(view)}${trialResult(trial, ['creation', 'tracking'])}
${expiry(view)}${termination(view)}${trialResult(trial, ['expiry', 'termination'])}</div>`;
}

interface Section {
  readonly stage: Stage;
  readonly says: string;
  readonly buttons: Html;
  /** What a button takes that is disabled now. */
  readonly needs: string | null;
  readonly tryText: string;
  readonly tries: Html;
}

function section(view: LifeView, { stage, says, buttons, needs, tryText, tries }: Section): Html {
  const { demo } = view;
  return html`<section class="stage ${stage}" id="${stage}" aria-labelledby="${stage}-heading" tabindex="-1" data-part="${stage}">
<h2 id="${stage}-heading">${headings[stage]}</h2>
<p>${says}</p>
${
  demo
    ? html`<div class="buttons">${buttons}${needs === null ? null : html`<p class="needs soft">${needs}</p>`}</div>
<div class="break"><h3>Try to break it</h3>
<p>${tryText}</p>
<div class="buttons">${tries}</div></div>`
    : null
}
</section>`;
}

const signInFirst = 'This takes a sign-in.';

interface Button {
  readonly action: string;
  readonly text: string;
  readonly can: boolean;
  /** The next thing to do on the way through the life. */
  readonly next?: boolean;
  readonly breaks?: boolean;
  /** What comes back is shown under the stages; else the page begins anew. */
  readonly shows?: boolean;
}

/** Each button is a form of its own, so that it works without script. */
function button(view: LifeView, { action, text, can, next, breaks, shows }: Button): Html {
  const look = breaks ? 'breaks' : next && can ? 'primary' : 'quiet';
  return html`<form method="post" action="${action}${breaks || shows ? '#result' : null}" data-live>${formTokenField(view.frame.formToken)}<button id="do-${action.replaceAll('/', '-')}" class="${look}"${can ? null : html` disabled`}>${text}</button></form>`;
}

function creation(view: LifeView): Html {
  const { position, signIn, hint, frame } = view;
  const signedIn = position === 'signed-in';
  const off = signedIn ? html` disabled` : null;
  return section(view, {
    stage: 'creation',
    says: 'A visit may begin a session that is nobody’s. Sign-in makes a new one, with a new id and a new secret, and ends the one before in the same step.',
    buttons: html`<form method="post" action="/life/sign-in" id="sign-in" class="fields" data-live>
${signIn.error ? problem(signIn.error) : null}
${formTokenField(frame.formToken)}
<label>Username <input id="username" name="username" autocomplete="username" autocapitalize="none" spellcheck="false" required value="${signIn.username}"${off}></label>
<label>Password <input id="password" name="password" type="password" autocomplete="current-password" required${off}></label>
${signedIn ? null : hint}
</form>
${button(view, { action: '/life/visit', text: 'Visit anonymously', can: position !== 'anonymous' && !signedIn, next: position === 'none' })}
<button form="sign-in" id="do-sign-in" class="${position === 'anonymous' ? 'primary' : 'quiet'}"${off}>Sign in</button>`,
    needs: signedIn
      ? 'You are signed in: sign out to begin anew.'
      : position === 'anonymous'
        ? 'Your visit has begun an anonymous session.'
        : null,
    tryText: signedIn
      ? 'Plant a value in the browser, then sign in with it. Sign out first: this takes a sign-in.'
      : 'Plant a value in the browser, then sign in with it. Fill in the form above, and sign in this way:',
    tries: html`<button form="sign-in" formaction="/life/plant#result" name="planted" value="made-up" id="do-plant-made-up" class="breaks"${off}>Plant a made-up token</button>
<button form="sign-in" formaction="/life/plant#result" name="planted" value="anonymous" id="do-plant-anonymous" class="breaks"${off}>Plant a visitor’s token</button>`,
  });
}

function tracking(view: LifeView): Html {
  const { position, record } = view;
  const signedIn = position === 'signed-in';
  const live = signedIn || position === 'anonymous';
  const may = record?.permissions.includes('demo:write') ?? false;
  return section(view, {
    stage: 'tracking',
    says: 'A token comes back with each request: whose is it, and what may they do? Permissions are looked up each time, and the secret changes while the session stays.',
    buttons: html`${button(view, { action: '/life/request', text: 'Make a request', can: live, next: signedIn, shows: true })}
${button(view, { action: '/life/permissions', text: may ? 'Take demo:write away' : 'Give demo:write', can: signedIn })}
${button(view, { action: '/life/rotate', text: 'Rotate the secret', can: live })}`,
    needs: signedIn ? null : live ? 'A permission takes a sign-in.' : 'This takes a session: visit, or sign in.',
    tryText: 'Send your own id with one character of the secret altered.',
    tries: button(view, { action: '/life/alter', text: 'Alter one character', can: live, breaks: true }),
  });
}

function expiry(view: LifeView): Html {
  const { position, record } = view;
  const signedIn = position === 'signed-in';
  const brief = record?.kind === 'brief' && signedIn;
  const late = brief || view.copy === 'brief' || (position === 'expired' && view.browser !== null);
  return section(view, {
    stage: 'expiry',
    says: 'Two limits, both kept by the server: one without use, one in all. A session that runs out is ended before its token is refused.',
    buttons: html`${button(view, {
      action: '/life/brief',
      text: brief ? 'Begin 20 seconds again' : 'Use a 20-second session',
      can: signedIn,
    })}${brief ? runningOut(view) : null}`,
    needs: signedIn ? null : signInFirst,
    tryText: late
      ? 'Let the 20 seconds run out, then come back with the same cookie.'
      : `This takes a 20-second session: ${signedIn ? '' : 'sign in and '}begin one, let it run out, then come back with the same cookie.`,
    tries: button(view, {
      action: `${copyPath}/late`,
      text: 'Return after the limit',
      can: late,
      breaks: true,
    }),
  });
}

/** Beside the button, so that it is in sight where the clocks are not. */
function runningOut({ idle, absolute, now }: LifeView): Html {
  return html`<p class="countdown">Ends in <strong data-left="idle">${idle ? countdown(idle.until - now) : '–'}</strong> without a request, in <strong data-left="absolute">${absolute ? countdown(absolute.until - now) : '–'}</strong> whatever happens.</p>`;
}

function termination(view: LifeView): Html {
  const signedIn = view.position === 'signed-in';
  return section(view, {
    stage: 'termination',
    says: 'Signing out ends the session on the server at once, with its reason. A tombstone stays, so that whoever comes back with the token is refused and told why.',
    buttons: button(view, { action: '/life/sign-out', text: 'Sign out', can: signedIn }),
    needs: signedIn ? null : signInFirst,
    tryText: `Replay a copy of the old cookie, or finish a write begun before the sign-out. ${
      view.copy === null
        ? 'There is no copy yet: sign in, rotate or sign out here, and one is kept in this browser for ten minutes.'
        : 'The copy lies in this browser only, in a cookie for the replay.'
    }${signedIn || view.copy === null ? '' : ' The write takes a sign-in.'}`,
    tries: html`${button(view, { action: copyPath, text: 'Replay the old cookie', can: view.copy !== null, breaks: true })}
${button(view, { action: '/life/late-write', text: 'Write after sign-out', can: signedIn, breaks: true })}`,
  });
}
