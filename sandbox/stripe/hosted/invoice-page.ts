import type Stripe from 'stripe';
import type { Account } from '../account';
import { moneyText } from '../money-text';
import { authenticationDialog, cardFields, page } from './checkout-page';
import { html } from './html';
import { SCRIPT } from './script';

/** The page behind `hosted_invoice_url`: what is owed, and a card to pay it with. */
export function invoicePage(account: Account, invoice: Stripe.Invoice, nonce: string): string {
  const merchant = account.merchantName;
  const due = moneyText(invoice.amount_remaining, invoice.currency);
  const button = `Pay ${due}`;
  return page(
    `${merchant}: invoice ${invoice.number ?? ''}`,
    nonce,
    html`<body>
      <div class="page">
        <header class="summary">
          <div class="column">
            <div class="merchant">
              <span class="mark" aria-hidden="true">${merchant.slice(0, 1)}</span><span>${merchant}</span>
              <span class="badge">TEST MODE</span>
            </div>
            <div id="summary">
              <p class="lead">Invoice ${invoice.number}</p>
              <p class="amount">${due}</p>
              <ul class="lines">
                ${invoice.lines.data.map(
                  ({ description, amount }) =>
                    html`<li>
                      <div><strong>${description}</strong></div>
                      <div class="money">${moneyText(amount, invoice.currency)}</div>
                    </li>`,
                )}
              </ul>
            </div>
          </div>
        </header>
        <main class="payment">
          <div class="column">
            <h1 class="hidden">Pay your invoice</h1>
            <form id="pay" novalidate>
              ${cardFields()}
              <p class="error" id="error" role="alert" aria-live="assertive"></p>
              <button
                class="pay"
                type="submit"
                data-label="${button}"
                data-busy="Paying…"
                aria-disabled="false"
              >
                <span class="spinner" aria-hidden="true"></span><span class="label">${button}</span>
              </button>
              <p class="small">Stripe sandbox: this payment is simulated on your machine.</p>
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
