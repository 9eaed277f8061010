import { Injectable } from '@nestjs/common';
import type Stripe from 'stripe';
import { StripePriceId, StripeProductId } from '../contracts/ids';
import type { BillingInterval } from '../domain/period';
import { StripeClient } from './stripe-client';

/** As many per page as Stripe gives. */
const PAGE = 100;

/** A product as Stripe holds it. */
export interface CatalogProduct {
  readonly id: StripeProductId;
  readonly name: string;
  readonly description: string | null;
  readonly isActive: boolean;
  readonly metadata: Readonly<Record<string, string>>;
  readonly marketingFeatures: readonly string[];
  readonly defaultPriceId: StripePriceId | null;
}

/** A price as Stripe holds it; enums are open, so they stay texts. */
export interface CatalogPrice {
  readonly id: StripePriceId;
  readonly productId: StripeProductId;
  readonly isActive: boolean;
  readonly currency: string;
  /** Whole minor units; null for prices below a minor unit, in tiers, or chosen by the customer. */
  readonly amount: number | null;
  readonly type: string;
  readonly billingScheme: string;
  /** Divides the quantity before it is priced. */
  readonly isTransformed: boolean;
  /** Null for one-time prices. */
  readonly recurring: {
    readonly interval: string;
    readonly intervalCount: number;
    readonly usageType: string;
  } | null;
  readonly lookupKey: string | null;
  readonly metadata: Readonly<Record<string, string>>;
}

/** What a product is made of. */
export interface ProductRequest {
  readonly name: string;
  readonly description: string | null;
  readonly metadata: Record<string, string>;
}

/** What a price is made of; Stripe never changes it afterwards. */
export interface PriceRequest {
  readonly productId: StripeProductId;
  readonly currency: string;
  /** Minor units per interval. */
  readonly amount: number;
  readonly interval: BillingInterval;
  readonly intervalCount: number;
  readonly metadata: Record<string, string>;
}

/** Changes of a product; what is left out stays, an empty metadata value removes its key. */
export interface ProductChange {
  readonly name?: string;
  readonly description?: string | null;
  readonly isActive?: boolean;
  readonly metadata?: Record<string, string>;
  readonly defaultPriceId?: StripePriceId;
}

/** Changes of a price: it can be archived and described, nothing more. */
export interface PriceChange {
  readonly isActive?: boolean;
  readonly metadata?: Record<string, string>;
}

/**
 * Products and Prices in our words. All methods throw BillingError stripe_unavailable when Stripe is away,
 * and StripeFailure `refused` when it says no.
 */
@Injectable()
export class CatalogGateway {
  constructor(private readonly client: StripeClient) {}

  /** The same key and request give the same product. */
  async createProduct(request: ProductRequest, idempotencyKey: string): Promise<StripeProductId> {
    const { name, description, metadata } = request;
    const product = await this.client.call(
      'products.create',
      (stripe, options) =>
        stripe.products.create({ name, ...(description ? { description } : {}), metadata }, options),
      { idempotencyKey },
    );
    return product.id as StripeProductId;
  }

  /** The same key and request give the same price. */
  async createPrice(request: PriceRequest, idempotencyKey: string): Promise<StripePriceId> {
    const price = await this.client.call(
      'prices.create',
      (stripe, options) =>
        stripe.prices.create(
          {
            product: request.productId,
            currency: request.currency,
            unit_amount: request.amount,
            recurring: { interval: request.interval, interval_count: request.intervalCount },
            metadata: request.metadata,
          },
          options,
        ),
      { idempotencyKey },
    );
    return price.id as StripePriceId;
  }

  /** The product on sale that was made with this request, if one was; plans' metadata names their plan. */
  async findProduct(request: ProductRequest): Promise<StripeProductId | null> {
    const isMade = (product: CatalogProduct): boolean =>
      product.isActive && product.name === request.name && hasAll(product.metadata, request.metadata);
    return (await this.products()).find(isMade)?.id ?? null;
  }

  /** The price on sale that was made with this request, if one was. */
  async findPrice(request: PriceRequest): Promise<StripePriceId | null> {
    const prices = await this.everyPage('prices.list', (stripe, page, options) =>
      stripe.prices.list({ ...page, product: request.productId, active: true }, options),
    );
    const isMade = (price: CatalogPrice): boolean =>
      price.currency === request.currency &&
      price.amount === request.amount &&
      price.recurring?.interval === request.interval &&
      price.recurring.intervalCount === request.intervalCount &&
      hasAll(price.metadata, request.metadata);
    return prices.map(toCatalogPrice).find(isMade)?.id ?? null;
  }

  async updateProduct(id: StripeProductId, change: ProductChange): Promise<void> {
    const params: Stripe.ProductUpdateParams = {
      ...(change.name === undefined ? {} : { name: change.name }),
      ...(change.description === undefined ? {} : { description: change.description ?? '' }),
      ...(change.isActive === undefined ? {} : { active: change.isActive }),
      ...(change.metadata === undefined ? {} : { metadata: change.metadata }),
      ...(change.defaultPriceId === undefined ? {} : { default_price: change.defaultPriceId }),
    };
    await this.client.call('products.update', (stripe, options) =>
      stripe.products.update(id, params, options),
    );
  }

  async updatePrice(id: StripePriceId, change: PriceChange): Promise<void> {
    const params: Stripe.PriceUpdateParams = {
      ...(change.isActive === undefined ? {} : { active: change.isActive }),
      ...(change.metadata === undefined ? {} : { metadata: change.metadata }),
    };
    await this.client.call('prices.update', (stripe, options) => stripe.prices.update(id, params, options));
  }

  async product(id: StripeProductId): Promise<CatalogProduct> {
    const product = await this.client.call('products.retrieve', (stripe, options) =>
      stripe.products.retrieve(id, {}, options),
    );
    return toCatalogProduct(product);
  }

  async price(id: StripePriceId): Promise<CatalogPrice> {
    const price = await this.client.call('prices.retrieve', (stripe, options) =>
      stripe.prices.retrieve(id, {}, options),
    );
    return toCatalogPrice(price);
  }

  /** All products, archived ones too. */
  async products(): Promise<CatalogProduct[]> {
    const products = await this.everyPage('products.list', (stripe, page, options) =>
      stripe.products.list(page, options),
    );
    return products.map(toCatalogProduct);
  }

  /** All prices, archived ones too. */
  async prices(): Promise<CatalogPrice[]> {
    const prices = await this.everyPage('prices.list', (stripe, page, options) =>
      stripe.prices.list(page, options),
    );
    return prices.map(toCatalogPrice);
  }

  /** Page by page, so that each page has the budget of one call, however long the list is. */
  private async everyPage<T extends { id: string }>(
    operation: string,
    list: (
      stripe: Stripe,
      page: { limit: number; starting_after?: string },
      options: Stripe.RequestOptions,
    ) => Promise<Stripe.ApiList<T>>,
  ): Promise<T[]> {
    const all: T[] = [];
    for (;;) {
      const after = all.at(-1)?.id;
      const page = await this.client.call(operation, (stripe, options) =>
        list(stripe, { limit: PAGE, ...(after ? { starting_after: after } : {}) }, options),
      );
      all.push(...page.data);
      if (!page.has_more || page.data.length === 0) return all;
    }
  }
}

function hasAll(metadata: Readonly<Record<string, string>>, wanted: Record<string, string>): boolean {
  return Object.entries(wanted).every(([key, value]) => metadata[key] === value);
}

function toCatalogProduct(product: Stripe.Product): CatalogProduct {
  return {
    id: product.id as StripeProductId,
    name: product.name,
    description: product.description,
    isActive: product.active,
    metadata: product.metadata,
    marketingFeatures: product.marketing_features.flatMap((feature) => feature.name ?? []),
    defaultPriceId: idOf(product.default_price) as StripePriceId | null,
  };
}

function toCatalogPrice(price: Stripe.Price): CatalogPrice {
  return {
    id: price.id as StripePriceId,
    productId: idOf(price.product) as StripeProductId,
    isActive: price.active,
    currency: price.currency,
    amount: price.unit_amount,
    type: price.type,
    billingScheme: price.billing_scheme,
    isTransformed: price.transform_quantity !== null,
    recurring: price.recurring && {
      interval: price.recurring.interval,
      intervalCount: price.recurring.interval_count,
      usageType: price.recurring.usage_type,
    },
    lookupKey: price.lookup_key,
    metadata: price.metadata,
  };
}

function idOf(reference: string | { id: string } | null | undefined): string | null {
  return typeof reference === 'object' ? (reference?.id ?? null) : (reference ?? null);
}
