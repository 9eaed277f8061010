import { randomBytes } from 'node:crypto';
import type { IncomingMessage, ServerResponse } from 'node:http';
import type Stripe from 'stripe';
import { NO_REQUEST, type Account } from '../account';
import { StripeApiError } from '../errors';
import { send } from '../http';
import { moneyText } from '../money-text';
import { cancelSubscription, updateSubscription } from '../resources/subscriptions';
import { Html, html } from './html';
import { STYLE } from './style';

const PATH = /^\/p\/session\/([^/]+)(?:\/subscriptions\/([^/]+)\/(cancel|renew))?$/;
/** A link that was not used in this time is worth nothing (docs.stripe.com/customer-management). */
const LIVES_SECONDS = 3600;

/** The billing portal: what a customer sees of its subscriptions and invoices, and may do with them. */
export class PortalPages {
  constructor(private readonly account: Account) {}

  /** False for paths that are none of the portal's. */
  serve(request: IncomingMessage, response: ServerResponse, url: URL): boolean {
    const [found, id, subscription, action] = PATH.exec(url.pathname) ?? [];
    if (!found) return false;
    const session = this.account.store.find('billing_portal.session', id ?? '');
    if (!session || session.created < this.account.now() - LIVES_SECONDS)
      this.show(
        response,
        404,
        html`<h1>This link has expired</h1>
          <p>Please ask for a new one.</p>`,
      );
    else if (action && request.method === 'POST') this.act(response, session, subscription ?? '', action);
    else if (!action && request.method === 'GET') this.show(response, 200, this.home(session));
    else this.show(response, 405, html`<h1>Not possible</h1>`);
    return true;
  }

  private act(
    response: ServerResponse,
    session: Stripe.BillingPortal.Session,
    id: string,
    action: string,
  ): void {
    const { features } = this.configuration(session);
    const subscription = this.account.store.find('subscription', id);
    if (!features.subscription_cancel.enabled || subscription?.customer !== session.customer)
      return this.show(response, 403, html`<h1>Not possible</h1>`);
    const call = { account: this.account, id };
    try {
      this.account.transaction(NO_REQUEST, () =>
        action === 'cancel' && features.subscription_cancel.mode === 'immediately'
          ? cancelSubscription({ ...call, params: {} })
          : updateSubscription({ ...call, params: { cancel_at_period_end: action === 'cancel' } }),
      );
    } catch (error) {
      if (!(error instanceof StripeApiError)) throw error;
      return this.show(
        response,
        400,
        html`<h1>Not possible</h1>
          <p>${error.message}</p>`,
      );
    }
    response.writeHead(303, { location: `/p/session/${session.id}`, 'content-length': '0' }).end();
  }

  private home(session: Stripe.BillingPortal.Session): Html {
    const { features, business_profile } = this.configuration(session);
    const subscriptions = this.account.newest(
      'subscription',
      (row) => row.customer === session.customer && row.status !== 'incomplete_expired',
    );
    const invoices = this.account.newest(
      'invoice',
      (row) => row.customer === session.customer && row.status !== 'draft',
    );
    return html`
      <p>${business_profile.headline ?? this.account.merchantName}</p>
      <h1>Your billing</h1>
      <h2>Subscriptions</h2>
      ${subscriptions.map((row) => this.subscription(session, row, features.subscription_cancel.enabled))}
      ${features.invoice_history.enabled ? html`<h2>Invoices</h2>` : null}
      ${features.invoice_history.enabled ? invoices.map(invoiceLine) : null}
      ${session.return_url ? html`<p><a class="link" href="${session.return_url}">Return</a></p>` : null}
    `;
  }

  private subscription(
    session: Stripe.BillingPortal.Session,
    row: Stripe.Subscription,
    mayCancel: boolean,
  ): Html {
    const names = row.items.data.map(({ price, quantity }) => {
      const product = this.account.store.find('product', price.product as string);
      return `${quantity ?? 1} × ${product && !product.deleted ? product.name : price.id}`;
    });
    const end = row.items.data[0]?.current_period_end ?? 0;
    const when = new Date(end * 1000).toISOString().slice(0, 10);
    const isOver = row.status === 'canceled';
    const action = row.cancel_at_period_end ? 'renew' : 'cancel';
    return html`<section>
      <p>
        <strong>${names.join(', ')}</strong> (${row.status})
        ${isOver ? null : row.cancel_at_period_end ? `ends on ${when}` : `renews on ${when}`}
      </p>
      ${
        isOver || !mayCancel
          ? null
          : html`<form method="post" action="/p/session/${session.id}/subscriptions/${row.id}/${action}">
              <button type="submit">${action === 'cancel' ? 'Cancel plan' : 'Keep plan'}</button>
            </form>`
      }
    </section>`;
  }

  private configuration(session: Stripe.BillingPortal.Session): Stripe.BillingPortal.Configuration {
    return this.account.get('billing_portal.configuration', session.configuration as string);
  }

  private show(response: ServerResponse, status: number, content: Html): void {
    const nonce = randomBytes(16).toString('base64url');
    const page = html`<!doctype html>
      <html lang="en">
        <head>
          <meta charset="utf-8" />
          <meta name="viewport" content="width=device-width, initial-scale=1" />
          <title>Billing</title>
          <style nonce="${nonce}">
            ${STYLE_MARKUP}
          </style>
        </head>
        <body class="message">
          <main>
            <div class="merchant"><span class="badge">TEST MODE</span></div>
            ${content}
          </main>
        </body>
      </html>`;
    send(response, status, page.text, {
      'content-type': 'text/html; charset=utf-8',
      'content-security-policy': `default-src 'none'; style-src 'nonce-${nonce}'; base-uri 'none'; form-action 'self'; frame-ancestors 'none'`,
      'referrer-policy': 'no-referrer',
      'x-content-type-options': 'nosniff',
    });
  }
}

// A style sheet of ours, without anything to escape.
const STYLE_MARKUP = new Html(STYLE);

function invoiceLine(invoice: Stripe.Invoice): Html {
  const date = new Date(invoice.created * 1000).toISOString().slice(0, 10);
  return html`<p>
    ${date} ${invoice.number ?? ''} ${moneyText(invoice.total, invoice.currency)} (${invoice.status ?? ''})
    ${invoice.invoice_pdf ? html`<a class="link" href="${invoice.invoice_pdf}">PDF</a>` : null}
  </p>`;
}
