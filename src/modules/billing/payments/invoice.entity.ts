import { Column, Entity, PrimaryColumn } from 'typeorm';
import type { StripeSubscriptionId, TenantId } from '../../../contracts/ids';
import { wholeNumber } from '../../../platform/database/columns';

/** An invoice, mirrored from Stripe. Amounts are minor units. */
@Entity('invoices')
export class InvoiceEntity {
  @PrimaryColumn('uuid')
  tenantId: TenantId;

  @PrimaryColumn('uuid')
  id: string;

  @Column('text')
  stripeInvoiceId: string;

  @Column('text', { nullable: true })
  stripeSubscriptionId: StripeSubscriptionId | null;

  @Column('text', { nullable: true })
  number: string | null;

  @Column('text')
  status: 'draft' | 'open' | 'paid' | 'void' | 'uncollectible';

  @Column('text')
  currency: string;

  @Column('bigint', { transformer: wholeNumber })
  subtotal: number;

  @Column('bigint', { transformer: wholeNumber })
  tax: number;

  @Column('bigint', { transformer: wholeNumber })
  total: number;

  @Column('bigint', { transformer: wholeNumber })
  amountDue: number;

  @Column('bigint', { transformer: wholeNumber })
  amountPaid: number;

  @Column('bigint', { transformer: wholeNumber })
  amountRemaining: number;

  @Column('boolean')
  attempted: boolean;

  @Column('int')
  attemptCount: number;

  @Column('timestamptz', { nullable: true })
  nextPaymentAttempt: Date | null;

  @Column('text', { nullable: true })
  billingReason: string | null;

  @Column('text')
  collectionMethod: string;

  @Column('timestamptz', { nullable: true })
  dueAt: Date | null;

  @Column('timestamptz', { nullable: true })
  finalizedAt: Date | null;

  @Column('timestamptz', { nullable: true })
  paidAt: Date | null;

  @Column('timestamptz', { nullable: true })
  voidedAt: Date | null;

  @Column('timestamptz')
  periodStart: Date;

  @Column('timestamptz')
  periodEnd: Date;

  @Column('text', { nullable: true })
  hostedUrl: string | null;

  @Column('text', { nullable: true })
  pdfUrl: string | null;

  @Column('boolean')
  disputeLost: boolean;

  /** When Stripe made it. */
  @Column('timestamptz')
  createdAt: Date;

  /** Moves on with every answer of Stripe's that was taken: what tells old news (ADR 4). */
  @Column('int')
  syncCount: number;

  @Column('timestamptz')
  syncedAt: Date;
}

/** One line of an invoice. */
@Entity('invoice_lines')
export class InvoiceLineEntity {
  @PrimaryColumn('uuid')
  tenantId: TenantId;

  @PrimaryColumn('uuid')
  id: string;

  @Column('uuid')
  invoiceId: string;

  @Column('int')
  position: number;

  @Column('text')
  stripeLineId: string;

  @Column('text', { nullable: true })
  description: string | null;

  @Column('bigint', { transformer: wholeNumber })
  amount: number;

  @Column('text')
  currency: string;

  @Column('int', { nullable: true })
  quantity: number | null;

  @Column('text', { nullable: true })
  priceId: string | null;

  @Column('text', { nullable: true })
  productId: string | null;

  @Column('text', { nullable: true })
  subscriptionItemId: string | null;

  @Column('boolean')
  isProration: boolean;

  /** What discounts took off, above 0. */
  @Column('bigint', { transformer: wholeNumber })
  discountAmount: number;

  @Column('timestamptz')
  periodStart: Date;

  @Column('timestamptz')
  periodEnd: Date;
}
