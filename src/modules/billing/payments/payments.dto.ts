import { IsIn, IsOptional, IsString, Matches } from 'class-validator';
import { Page, PageQueryDto } from '../../../platform/http/page.dto';

const INVOICE_STATUSES = ['open', 'paid', 'void', 'uncollectible'] as const;

export class InvoicesQueryDto extends PageQueryDto {
  /** Only those that stand so. */
  @IsOptional()
  @IsIn(INVOICE_STATUSES)
  status?: 'open' | 'paid' | 'void' | 'uncollectible';
}

export class PayInvoiceDto {
  /** Stripe's id of a stored way to pay; the default one when left out. */
  @IsOptional()
  @IsString()
  @Matches(/^pm_[A-Za-z0-9_]{1,240}$/, { message: 'payment_method must be the id of a payment method' })
  payment_method?: string;
}

/** An invoice. Amounts are minor units of `currency`. */
export class InvoiceView {
  id: string;
  stripe_invoice_id: string;
  number: string | null;
  status: 'draft' | 'open' | 'paid' | 'void' | 'uncollectible';
  currency: string;
  subtotal: number;
  tax: number;
  total: number;
  amount_due: number;
  amount_paid: number;
  amount_remaining: number;
  attempt_count: number;
  next_payment_attempt: string | null;
  billing_reason: string | null;
  due_at: string | null;
  paid_at: string | null;
  period_start: string;
  period_end: string;
  hosted_invoice_url: string | null;
  created_at: string;
}

export class InvoicePage implements Page<InvoiceView> {
  data: InvoiceView[];
  has_more: boolean;
  next_cursor: string | null;
}

export class InvoiceLineView {
  id: string;
  description: string | null;
  /** Minor units; credits are negative. */
  amount: number;
  currency: string;
  quantity: number | null;
  price_id: string | null;
  subscription_item_id: string | null;
  is_proration: boolean;
  period_start: string;
  period_end: string;
}

export class InvoiceDetailView extends InvoiceView {
  lines: InvoiceLineView[];
}

/** The next invoice as Stripe previews it; usage still to come is not in it. */
export class UpcomingInvoiceView {
  currency: string;
  subtotal: number;
  tax: number;
  total: number;
  amount_due: number;
  period_start: string;
  period_end: string;
  lines: InvoiceLineView[];
}

/** A stored way to pay. */
export class PaymentMethodView {
  id: string;
  type: string;
  brand: string | null;
  last4: string | null;
  exp_month: number | null;
  exp_year: number | null;
  is_default: boolean;
  created_at: string;
}

export class PaymentMethodsView {
  data: PaymentMethodView[];
}

/** Storing a way to pay: the payer's browser finishes it with the secret. */
export class SetupView {
  id: string;
  client_secret: string | null;
}
