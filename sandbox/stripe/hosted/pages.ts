import { randomBytes } from 'node:crypto';
import type { IncomingMessage, ServerResponse } from 'node:http';
import type Stripe from 'stripe';
import { NO_REQUEST, type Account } from '../account';
import { payCheckout, type Completion } from '../checkout/completion';
import { presentSession } from '../checkout/expiry';
import { StripeApiError } from '../errors';
import { readBody, send } from '../http';
import { moneyText } from '../money-text';
import { checkoutPage, messagePage } from './checkout-page';
import { FieldError, payerFrom } from './payer-input';
import { authenticateInvoice, isPayable, payInvoiceByHand } from './invoice-payment';
import { invoicePage } from './invoice-page';
import { applyPromotionCode, removePromotionCode } from './promotion';
import { orderView, summaryOf } from './summary';

/** The pages payers see, and the small JSON calls their script makes. */
export class HostedPages {
  constructor(private readonly account: Account) {}

  async serve(request: IncomingMessage, response: ServerResponse, url: URL): Promise<void> {
    const checkout = /^\/c\/pay\/([^/]+)(\/authenticate|\/promotion_code)?$/.exec(url.pathname);
    const invoice = /^\/i\/([^/]+)(\/authenticate)?$/.exec(url.pathname);
    if (invoice && request.method === 'GET' && !invoice[2]) return this.invoice(response, invoice[1] ?? '');
    if (invoice && request.method === 'POST') {
      const input = readJson(await readBody(request));
      return answer(response, () =>
        this.account.transaction(NO_REQUEST, () =>
          invoice[2]
            ? authenticateInvoice(this.account, invoice[1] ?? '', input.result !== 'fail')
            : payInvoiceByHand(this.account, invoice[1] ?? '', input),
        ),
      );
    }
    if (!checkout)
      return this.message(response, 404, 'Nothing here', 'This page does not exist in the Stripe sandbox.');
    const [, id = '', step = ''] = checkout;
    const session = this.account.store.find('checkout.session', id);
    if (!session)
      return this.message(
        response,
        404,
        'Unknown checkout',
        'This checkout does not exist, or its sandbox was begun anew.',
      );
    if (request.method === 'GET' && step === '') return this.show(response, id);
    const input = readJson(await readBody(request));
    if (request.method === 'POST' && step === '') return answer(response, () => this.pay(id, input));
    if (request.method === 'POST' && step === '/authenticate')
      return answer(response, () => this.authenticate(id, input));
    if (request.method === 'POST' && step === '/promotion_code') {
      return answer(response, () =>
        this.promote(id, (open) => applyPromotionCode(this.account, open, String(input.code ?? '').trim())),
      );
    }
    if (request.method === 'DELETE' && step === '/promotion_code') {
      return answer(response, () => this.promote(id, (open) => removePromotionCode(this.account, open)));
    }
    return this.message(response, 405, 'Not possible', 'This can not be done here.');
  }

  private show(response: ServerResponse, id: string): void {
    const session = this.account.transaction(NO_REQUEST, () => presentSession(this.account, id));
    if (session.status === 'complete') {
      const link = session.success_url ? { href: successUrl(session), label: 'Continue' } : null;
      return this.message(
        response,
        200,
        'All done',
        'This checkout is already complete. You will not be charged again.',
        link,
      );
    }
    if (session.status === 'expired') {
      const link = session.cancel_url ? { href: session.cancel_url, label: 'Go back' } : null;
      return this.message(
        response,
        410,
        'This checkout has expired',
        'Please go back and start again. You were not charged.',
        link,
      );
    }
    const nonce = randomBytes(16).toString('base64url');
    sendPage(response, 200, checkoutPage(this.account, orderView(this.account, session), nonce), nonce);
  }

  private pay(id: string, input: Record<string, unknown>): object {
    return this.account.transaction(NO_REQUEST, () => {
      const session = presentSession(this.account, id);
      if (session.status !== 'open') return closed(session);
      return outcome(payCheckout(this.account, id, payerFrom(this.account, session, input)));
    });
  }

  private authenticate(id: string, input: Record<string, unknown>): object {
    return this.account.transaction(NO_REQUEST, () => {
      const session = presentSession(this.account, id);
      if (session.status !== 'open') return closed(session);
      const plan = this.account.store.find('checkout_plan', id);
      if (!plan?.pending_card)
        return { error: { message: 'No card waits for an authentication. Please pay again.' } };
      const { payment_method, email, name } = plan.pending_card;
      if (input.result !== 'complete') {
        this.account.store.put('checkout_plan', { ...plan, pending_card: null });
        return {
          error: {
            field: 'number',
            message:
              'We are unable to authenticate your payment method. Please choose a different payment method and try again.',
          },
        };
      }
      const paymentMethod = this.account.get('payment_method', payment_method);
      return outcome(payCheckout(this.account, id, { paymentMethod, email, name }, true));
    });
  }

  private promote(id: string, change: (open: Stripe.Checkout.Session) => Stripe.Checkout.Session): object {
    return this.account.transaction(NO_REQUEST, () => {
      const session = presentSession(this.account, id);
      if (session.status !== 'open') return { reload: true };
      const before = session.amount_total;
      const changed = change(session);
      const view = orderView(this.account, changed);
      // Card fields come and go with the amount; only then is the whole page needed again.
      const cardChanges =
        (before === 0) !== (changed.amount_total === 0) && changed.payment_method_collection !== 'always';
      return { summary: summaryOf(this.account, view).text, button: view.button, reload: cardChanges };
    });
  }

  private invoice(response: ServerResponse, id: string): void {
    const invoice = this.account.store.find('invoice', id);
    if (!invoice) return this.message(response, 404, 'Unknown invoice', 'This invoice does not exist.');
    if (isPayable(invoice)) {
      const nonce = randomBytes(16).toString('base64url');
      return sendPage(response, 200, invoicePage(this.account, invoice, nonce), nonce);
    }
    const amount = moneyText(invoice.total, invoice.currency);
    const state = invoice.status === 'paid' ? 'It is paid.' : `Its status is ${invoice.status ?? 'unknown'}.`;
    this.message(
      response,
      200,
      `Invoice ${invoice.number ?? ''}`,
      `${amount} to ${this.account.merchantName}. ${state}`,
    );
  }

  private message(
    response: ServerResponse,
    status: number,
    title: string,
    text: string,
    link: { href: string; label: string } | null = null,
  ): void {
    const nonce = randomBytes(16).toString('base64url');
    sendPage(response, status, messagePage(title, text, nonce, link), nonce);
  }
}

function outcome(completion: Completion): object {
  if (completion.kind === 'complete') return { redirect: successUrl(completion.session) };
  if (completion.kind === 'closed') return closed(completion.session);
  if (completion.kind === 'authentication_required') return { requires_action: true };
  const { code, decline_code, message } = completion;
  return { error: { code, decline_code, field: 'number', message: `${message} Please try another card.` } };
}

/** A session that can not be paid any more: a second click goes where the first one went. */
function closed(session: Stripe.Checkout.Session): object {
  return session.status === 'complete' ? { redirect: successUrl(session) } : { reload: true };
}

function successUrl(session: Stripe.Checkout.Session): string {
  return (session.success_url ?? '').replaceAll('{CHECKOUT_SESSION_ID}', session.id);
}

/** Answers the page's script. What is wrong with the input is said in the answer, not by its status. */
function answer(response: ServerResponse, work: () => object): void {
  try {
    send(response, 200, JSON.stringify(work()));
  } catch (error) {
    if (error instanceof FieldError) {
      return send(response, 200, JSON.stringify({ error: { field: error.field, message: error.message } }));
    }
    if (error instanceof StripeApiError) return send(response, 200, JSON.stringify({ error: error.body }));
    throw error;
  }
}

function readJson(text: string): Record<string, unknown> {
  try {
    const value: unknown = JSON.parse(text === '' ? '{}' : text);
    return typeof value === 'object' && value !== null && !Array.isArray(value)
      ? (value as Record<string, unknown>)
      : {};
  } catch {
    return {};
  }
}

function sendPage(response: ServerResponse, status: number, body: string, nonce: string): void {
  send(response, status, body, {
    'content-type': 'text/html; charset=utf-8',
    'content-security-policy': `default-src 'none'; style-src 'nonce-${nonce}'; style-src-attr 'unsafe-inline'; script-src 'nonce-${nonce}'; connect-src 'self'; base-uri 'none'; form-action 'self'; frame-ancestors 'none'`,
    'referrer-policy': 'no-referrer',
    'x-content-type-options': 'nosniff',
  });
}
