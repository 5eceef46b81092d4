import type { Stage } from '../events/words.ts';
import { type Html, html } from '../pages/html.ts';
import type { Exchange } from './exchange.ts';
import { type Guarantee, guarantees, peerEvidence } from './guarantees.ts';
import { unbroken } from './own-cookie.ts';

/** Something that was tried for real, and what became of it. */
export interface Trial {
  readonly stage: Stage;
  readonly title: string;
  readonly exchanges: readonly Exchange[];
  /** Whether the answers were as promised; `null` where nothing was promised. */
  readonly held: boolean | null;
  readonly says: string;
  readonly guarantee: Guarantee | null;
  /** What an express-session app does. */
  readonly peer: string | null;
}

/** What is said where a promise did not hold, so that it cannot be overlooked. */
export const broken = 'This should have been refused, and was not. Please report it.';

/** What was tried and what came of it, under the two stages it belongs to. */
export function trialResult(trial: Trial | null, stages: readonly Stage[]): Html {
  const shown = trial && stages.includes(trial.stage) ? trial : null;
  return html`<div class="result ${shown?.stage}" data-part="result-${stages[0]}">${shown ? article(shown) : null}</div>`;
}

function article({ title, exchanges, held, says, guarantee, peer }: Trial): Html {
  const outcome = held === null ? 'seen' : held ? 'held' : 'broken';
  return html`<article class="trial ${outcome}" id="result" aria-labelledby="result-title">
<div class="outcome"><h3 id="result-title">${title}</h3>
<p class="verdict">${says}</p></div>
${exchanges.length > 0 ? html`<ol class="exchanges">${exchanges.map(exchangeItem)}</ol>` : null}
${
  guarantee || peer
    ? html`<div class="compare">${guarantee ? promise(guarantee) : null}${
        peer
          ? html`<div class="peer"><h4>A plain express-session app</h4><p>${peer}</p><p class="soft">${peerEvidence}</p></div>`
          : null
      }</div>`
    : null
}
</article>`;
}

function promise(guarantee: Guarantee): Html {
  const { name, says } = guarantees[guarantee];
  return html`<div class="promise"><h4>The guarantee: ${guarantee}, ${name.toLowerCase()}</h4><p>${says}</p></div>`;
}

function exchangeItem({ says, sent, status, code, reason, gave }: Exchange): Html {
  return html`<li>
<p class="step">${says}</p>
<div class="sent"><h4>Request</h4><pre>${unbroken(sent.join('\n'))}</pre></div>
<div class="answer ${status < 400 ? 'good' : 'refused'}"><h4>Answer</h4><p><strong>${status}</strong>${code ? html` <code>${code}</code>` : null}</p>${
    reason ? html`<p>reason <code>${reason}</code></p>` : null
  }${gave ? html`<p><code>${unbroken(gave)}</code></p>` : null}</div>
</li>`;
}
