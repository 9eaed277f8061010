import type { Account } from '../account';
import { needsCard } from '../checkout/completion';
import { html, Html } from './html';
import { SCRIPT } from './script';
import { STYLE } from './style';
import { summaryOf, type OrderView } from './summary';

const TEST_CARDS = [
  { label: 'Successful card', number: '4242424242424242' },
  { label: 'Declining card', number: '4000000000000002' },
  { label: '3-D Secure card', number: '4000000000003220' },
];

/** A whole page. The nonce lets this page's own style and script run, and no other. */
export function page(title: string, nonce: string, body: Html, script = ''): string {
  const document = html`<!doctype html>
    <html lang="en">
      <head>
        <meta charset="utf-8" />
        <meta name="viewport" content="width=device-width, initial-scale=1" />
        <meta name="robots" content="noindex" />
        <title>${title}</title>
        <style nonce="${nonce}">
          ${new Html(STYLE)}
        </style>
      </head>
      ${body}
      ${
        script
          ? html`<script nonce="${nonce}">
              ${new Html(script)};
            </script>`
          : null
      }
    </html>`;
  return document.text;
}

/** The page a payer pays on. */
export function checkoutPage(account: Account, view: OrderView, nonce: string): string {
  const { session } = view;
  const merchant = account.merchantName;
  const mark = html`<span class="mark" aria-hidden="true">${merchant.slice(0, 1)}</span>`;
  return page(
    `${merchant}: checkout`,
    nonce,
    html`<body>
      <div class="page">
        <header class="summary">
          <div class="column">
            <div class="merchant">
              ${
                session.cancel_url
                  ? html`<a href="${session.cancel_url}" rel="noreferrer"
                      ><span class="arrow" aria-hidden="true">←</span
                      ><span class="hidden">Back to </span>${mark}<span class="name">${merchant}</span></a
                    >`
                  : html`${mark}<span>${merchant}</span>`
              }
              <span class="badge">TEST MODE</span>
            </div>
            <div id="summary" aria-live="polite">${summaryOf(account, view)}</div>
          </div>
        </header>
        <main class="payment">
          <div class="column">
            <h1 class="hidden">Checkout</h1>
            <form id="pay" novalidate>
              <h2>Contact</h2>
              ${emailField(session.customer_details?.email ?? session.customer_email)}
              ${needsCard(session) ? cardFields() : html`<p class="after">No card is needed today.</p>`}
              <p class="error" id="error" role="alert" aria-live="assertive"></p>
              <button
                class="pay"
                type="submit"
                data-label="${view.button}"
                data-busy="${view.busy}"
                aria-disabled="false"
              >
                <span class="spinner" aria-hidden="true"></span><span class="label">${view.button}</span>
              </button>
              <p class="small">${smallPrint(view)}</p>
              <noscript><p class="error">This page needs JavaScript.</p></noscript>
            </form>
          </div>
        </main>
      </div>
      ${authenticationDialog()}
    </body>`,
    SCRIPT,
  );
}

/** Stands for the payer's bank: here one chooses how 3-D Secure goes. */
export function authenticationDialog(): Html {
  return html`<dialog
    id="authenticate"
    aria-labelledby="authenticate-title"
    aria-describedby="authenticate-text"
  >
    <h2 id="authenticate-title">Confirm it is you</h2>
    <p id="authenticate-text">
      Your bank asks for 3-D Secure authentication. In test mode you choose how it goes.
    </p>
    <div class="choices">
      <button class="pay" type="button" data-result="complete">Complete authentication</button>
      <button class="plain" type="button" data-result="fail">Fail authentication</button>
    </div>
  </dialog>`;
}

function emailField(known: string | null | undefined): Html {
  if (known) {
    return html`<div class="field">
      <label for="email">Email</label>
      <input id="email" name="email" type="email" value="${known}" readonly />
    </div>`;
  }
  return html`<div class="field">
    <label for="email">Email</label>
    <input id="email" name="email" type="email" autocomplete="email" placeholder="you@example.com" required />
  </div>`;
}

/** The fields of a card, with buttons that fill in test cards. */
export function cardFields(): Html {
  return html`<h2>Card</h2>
    <fieldset class="cards">
      <legend>Test mode: no real card is charged. Fill in a test card.</legend>
      <div>
        ${TEST_CARDS.map(({ label, number }) => html`<button class="plain" type="button" data-card="${number}">${label}</button>`)}
      </div>
    </fieldset>
    <div class="field">
      <label for="number">Card number</label>
      <input
        id="number"
        name="number"
        inputmode="numeric"
        autocomplete="cc-number"
        placeholder="1234 1234 1234 1234"
        required
      />
    </div>
    <div class="pair">
      <div class="field">
        <label for="expiry">Expiry</label>
        <input
          id="expiry"
          name="expiry"
          inputmode="numeric"
          autocomplete="cc-exp"
          placeholder="MM / YY"
          required
        />
      </div>
      <div class="field">
        <label for="cvc">CVC</label>
        <input id="cvc" name="cvc" inputmode="numeric" autocomplete="cc-csc" placeholder="123" required />
      </div>
    </div>
    <div class="field">
      <label for="name">Name on card</label> <input id="name" name="name" autocomplete="cc-name" required />
    </div>`;
}

function smallPrint({ session, trialEnd }: OrderView): string {
  if (session.custom_text.submit) return session.custom_text.submit.message;
  if (session.mode !== 'subscription') return 'Stripe sandbox: this payment is simulated on your machine.';
  return trialEnd === null
    ? 'You can cancel at any time. Stripe sandbox: this payment is simulated on your machine.'
    : 'You are charged when the trial ends, unless you cancel before. Simulated on your machine.';
}

/** A page with one message and perhaps a way on. */
export function messagePage(
  title: string,
  text: string,
  nonce: string,
  link: { href: string; label: string } | null,
): string {
  return page(
    title,
    nonce,
    html`<body class="message">
      <main>
        <div class="merchant"><span class="badge">TEST MODE</span></div>
        <h1>${title}</h1>
        <p>${text}</p>
        ${link ? html`<a class="link" href="${link.href}" rel="noreferrer">${link.label}</a>` : null}
      </main>
    </body>`,
  );
}
