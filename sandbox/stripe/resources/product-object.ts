import type Stripe from 'stripe';
import type { Account } from '../account';
import { orNull } from '../call';
import { newId } from '../random';
import { mergeMetadata } from './metadata';

/** A product as Stripe answers it right after creation. */
export function makeProduct(account: Account, params: Stripe.ProductCreateParams): Stripe.Product {
  const now = account.now();
  return {
    id: params.id ?? newId('prod'),
    object: 'product',
    active: params.active ?? true,
    created: now,
    default_price: null,
    description: params.description ?? null,
    images: params.images ?? [],
    livemode: false,
    marketing_features: params.marketing_features ?? [],
    metadata: mergeMetadata(null, params.metadata),
    name: params.name,
    package_dimensions: orNull(params.package_dimensions),
    shippable: params.shippable ?? null,
    statement_descriptor: params.statement_descriptor ?? null,
    tax_code: params.tax_code ?? null,
    tax_details: null,
    type: 'service',
    unit_label: params.unit_label ?? null,
    updated: now,
    url: params.url ?? null,
  };
}

/** The name people know a price's product by. */
export function productName(account: Account, price: Stripe.Price): string {
  const product = account.store.find('product', price.product as string);
  return product && 'name' in product ? product.name : 'Product';
}
